schtasks /Create /TN "tilepack nightly" /SC DAILY /ST 02:15 /TR "cmd /c cd /d D:\maps && .venv\Scripts\tilepack run nightly.toml --quiet --log nightly.log"

schtasks /Create /TN "tilepack nightly" /SC DAILY /ST 02:15 /TR "cmd /c cd /d D:\maps && tilepack run nightly.toml --quiet --log nightly.log"

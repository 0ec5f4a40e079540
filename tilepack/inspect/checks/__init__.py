"""What verify looks at, a module per kind of knowledge; each adds what it finds to one ``Collector``."""

"""Files and folders by position and by name, packages included; nothing of tiles is known here."""

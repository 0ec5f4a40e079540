"""Areas of interest in the making: read, dissolved, reprojected. What comes of it is `tilepack.aoi`."""

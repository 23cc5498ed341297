"""The real Home Assistant at a real broker: `make home-assistant`; needs Python 3.13 and 820 MB in build/."""

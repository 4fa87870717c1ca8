"""Figures of reports as pictures: own SVG from templates, readable in light and in dark."""

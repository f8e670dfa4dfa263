"""Pictures of what a decoder makes of codes, and the canvas they are drawn on."""

"""Result documents as one HTML file, and as fragments for notebooks. No torch on this path."""

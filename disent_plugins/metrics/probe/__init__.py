"""The classification probe of the GM-VAE paper: its network, its training, its protocols."""

"""A plain VAE with two codes, as a plugin of disent."""

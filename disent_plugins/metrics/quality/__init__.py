"""Quality of what a model makes: reconstructions, their similarity, and the rate of its codes."""

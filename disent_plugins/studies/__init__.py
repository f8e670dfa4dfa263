"""Many runs: sweeps over grids; the tables and figures of the paper, with a verdict for every number."""

"""How far classes lie apart in a code, as a metric plugin of disent."""

"""uPlot, which draws the live traces: fetched when lullwatch is built, never kept in its repository."""

"""Models and curves by formula: what may stand in one, rows and levels, design, fits."""

"""Parts of `ashworth trial simulate`: cells of the grid, runs, results, figures."""

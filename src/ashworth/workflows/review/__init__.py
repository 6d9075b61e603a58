"""The review that rebuilds itself: text, figures and tables from records."""

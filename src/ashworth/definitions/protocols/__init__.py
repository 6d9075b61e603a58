"""Trial protocols as data: what one document may say, its versions and its hash."""

# Baujat's axes by metafor, converged.
# Run in this folder: Rscript contributions.R > contributions.json
suppressMessages(library(metafor))
pdf(NULL)
y <- c(0.45, 0.72, 0.10, 0.55, 1.40); s <- c(0.20, 0.25, 0.22, 0.15, 0.30)
num <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
rows <- character()
for (case in list(c("REML", "z"), c("REML", "knha"), c("DL", "z"), c("DL", "knha"), c("FE", "z"))) {
  control <- list(threshold = 1e-14, maxiter = 1000)
  b <- baujat(rma(y, sei = s, method = case[1], test = case[2], control = control))
  rows <- c(rows, sprintf('  {"method": "%s", "test": "%s", "x": %s, "y": %s}', case[1], case[2], num(b$x), num(b$y)))
}
cat("[\n", paste(rows, collapse = ",\n"), "\n]\n", sep = "")

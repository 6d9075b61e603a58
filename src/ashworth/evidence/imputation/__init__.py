"""Multiple imputation of covariates and the pooling of its results."""

"""Cox models with a frailty that patients of one group share."""

"""What follows from a fit: covariances, tests, intervals, predictions, residuals."""

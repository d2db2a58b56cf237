# A negative binomial likelihood with two maxima: executions by state, 1997 (Gill 2001, as
# statsmodels.datasets.cpunish has them). Maximised over log alpha and the coefficients from
# several starts, to 1e-12, and written beside the likelihood at alpha = 0.
d <- read.csv(file("stdin"))
y <- d$y
X <- as.matrix(d[, -1])
loglik <- function(t) {
  b <- t[-length(t)]
  a <- exp(t[length(t)])
  sum(dnbinom(y, size = 1 / a, mu = exp(drop(X %*% b)), log = TRUE))
}
poisson <- glm(y ~ 0 + X, family = poisson, control = list(epsilon = 1e-14))
best <- NULL
for (start in c(-3, 0, 1)) {
  t <- c(coef(poisson), start)
  for (k in 1:30) t <- optim(t, function(t) -loglik(t), method = if (k %% 2) "Nelder-Mead" else "BFGS",
                             control = list(reltol = 1e-16, maxit = 5000))$par
  if (is.null(best) || loglik(t) > loglik(best)) best <- t
}
mu <- exp(drop(X %*% best[-length(best)]))
cat(sprintf("%.12f", c(loglik(best), as.numeric(logLik(poisson)))), "\n")
cat(sprintf("%.9f", c(best[-length(best)], exp(best[length(best)]))), "\n")
cat(sprintf("%.7f", mean(mu) * best[1:6]), "\n")
cat(R.version.string, "\n")

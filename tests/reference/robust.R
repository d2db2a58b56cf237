# Covariances of R's sandwich and clubSandwich, and bootstrap intervals of boot.
# Writes robust.json beside itself:  Rscript tests/reference/robust.R
suppressMessages({
  library(sandwich); library(clubSandwich); library(boot); library(MASS)
  library(survival); library(jsonlite)
})
file <- sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE))
here <- dirname(normalizePath(file))
strict <- glm.control(epsilon = 1e-15, maxit = 200)

set.seed(20)
firm <- rep(1:12, times = c(3, 8, 5, 4, 7, 5, 6, 2, 9, 5, 4, 2))
n <- length(firm)
year <- unlist(lapply(table(firm), function(size) sample(1:9, size)))
x <- round(rnorm(n) + 0.4 * rnorm(12)[firm], 3)
z <- round(runif(n, -1, 1), 3)
shift <- 0.8 * rnorm(12)[firm] + 0.3 * rnorm(9)[year]
d <- data.frame(firm, year, x, z)
d$real <- round(1 + 0.5 * x - 0.7 * z + shift + (0.4 + abs(z)) * rnorm(n), 3)
d$binary <- as.integer(0.2 + 0.6 * x - 0.5 * z + shift + rlogis(n) > 0)
d$count <- rpois(n, exp(0.4 + 0.3 * x + 0.4 * shift))
d$size <- round(exp(0.2 + 0.3 * z + 0.5 * shift + 0.4 * rnorm(n)), 4)
d$weight <- round(runif(n, 0.5, 2), 3)
d$level <- cut(0.7 * x + shift + rlogis(n), c(-Inf, -0.6, 0.8, Inf), labels = c("a", "b", "c"))

m <- function(v) unname(as.matrix(v))
fits <- list(
  ols = lm(real ~ x + z, d),
  weighted = lm(real ~ x + z, d, weights = weight),
  logit = glm(binary ~ x + z, binomial, d, control = strict),
  probit = glm(binary ~ x + z, binomial("probit"), d, control = strict),
  poisson = glm(count ~ x + z, poisson, d, control = strict),
  gamma = glm(size ~ x + z, Gamma("log"), d, control = strict)
)
out <- lapply(fits, function(f) {
  r <- list(params = unname(coef(f)))
  for (type in c("HC0", "HC1", "HC2", "HC3")) r[[type]] <- m(vcovHC(f, type = type))
  r$cluster <- m(vcovCL(f, cluster = d$firm, type = "HC1", cadjust = TRUE))
  two <- d[c("firm", "year")]
  r$two_way <- m(vcovCL(f, cluster = two, type = "HC1", cadjust = TRUE))
  for (type in c("CR0", "CR1", "CR1S", "CR2", "CR3"))
    r[[type]] <- m(vcovCR(f, cluster = d$firm, type = type))
  if (!is.null(f$call$weights))  # weights are precisions, which clubSandwich must be told
    r$CR2 <- m(vcovCR(f, cluster = d$firm, type = "CR2", target = 1 / d$weight,
                      inverse_var = TRUE))
  r$newey_west <- m(NeweyWest(f, lag = 3, prewhite = FALSE, adjust = FALSE))
  r$newey_west_adjusted <- m(NeweyWest(f, lag = 3, prewhite = FALSE, adjust = TRUE))
  r$parzen <- m(kernHAC(f, kernel = "Parzen", bw = 4, prewhite = FALSE, adjust = FALSE))
  r$quadratic <- m(kernHAC(f, kernel = "Quadratic Spectral", bw = 2.5, prewhite = FALSE,
                           adjust = FALSE, tol = 0))
  r$opg <- m(solve(crossprod(estfun(f))))
  r
})

# Driscoll and Kraay: scores summed over a year, Bartlett weights over years
driscoll <- function(f, lag) {
  s <- rowsum(estfun(f), d$year)
  w <- 1 - seq_len(lag) / (lag + 1)
  meat <- crossprod(s)
  for (l in seq_len(lag)) {
    g <- crossprod(s[-(1:l), , drop = FALSE], s[seq_len(nrow(s) - l), , drop = FALSE])
    meat <- meat + w[l] * (g + t(g))
  }
  b <- bread(f) / nrow(estfun(f))
  m(b %*% meat %*% b)
}

# the same within each firm, lags counted in observations
panel <- function(f, lag) {
  meat <- 0
  for (who in unique(d$firm)) {
    s <- estfun(f)[d$firm == who, , drop = FALSE]
    s <- s[order(d$year[d$firm == who]), , drop = FALSE]
    meat <- meat + crossprod(s)
    for (l in seq_len(min(lag, nrow(s) - 1))) {
      g <- crossprod(s[-(1:l), , drop = FALSE], s[seq_len(nrow(s) - l), , drop = FALSE])
      meat <- meat + (1 - l / (lag + 1)) * (g + t(g))
    }
  }
  b <- bread(f) / nrow(estfun(f))
  m(b %*% meat %*% b)
}
for (name in names(fits)) {
  out[[name]]$driscoll <- driscoll(fits[[name]], 2)
  out[[name]]$panel <- panel(fits[[name]], 2)
}
stopifnot(all.equal(out$logit$driscoll, m(vcovPL(
  fits$logit, cluster = d$firm, order.by = d$year, kernel = "Bartlett", lag = 2,
  aggregate = TRUE, adjust = FALSE))))

# two-way clusters whose sum is not positive semi-definite
e <- data.frame(g = rep(1:4, each = 3), h = rep(1:3, 4),
                a = c(1.2, -0.3, 0.8, -1.1, 0.4, 2.0, -0.7, 0.1, -1.9, 0.6, 1.5, -0.2),
                y = c(0.5, -1.0, 1.4, 0.3, -0.2, 0.9, -1.3, 0.8, -0.6, 1.1, 0.2, -0.4))
indefinite <- lm(y ~ a, e)
raw <- vcovCL(indefinite, cluster = e[c("g", "h")], type = "HC0", cadjust = FALSE, fix = FALSE)
fixed <- vcovCL(indefinite, cluster = e[c("g", "h")], type = "HC0", cadjust = FALSE, fix = TRUE)

# fixed effects of the clusters: leverages of 1
inside <- lm(real ~ x + z + factor(firm), d)

# an ordinal logit (its estimating functions are in sandwich)
p <- polr(level ~ x + z, d, Hess = TRUE, method = "logistic", control = list(reltol = 1e-15))
ordinal <- list(params = unname(c(coef(p), p$zeta)), HC0 = m(sandwich(p)),
                cluster = m(vcovCL(p, cluster = d$firm, type = "HC0", cadjust = TRUE)))

# matched sets: the infinitesimal jackknife by stratum is HC0 with strata as observations
infert$case2 <- Surv(rep(1, nrow(infert)), infert$case)
cl <- coxph(case2 ~ spontaneous + induced + strata(stratum) + cluster(stratum), infert,
            ties = "breslow", control = coxph.control(eps = 1e-12, toler.chol = 1e-14))
conditional <- list(params = unname(coef(cl)), HC0 = m(vcov(cl)))

# bootstrap intervals from replicates that are given
k <- 199
pairs <- boot(d, function(data, i) coef(glm(binary ~ x + z, binomial, data[i, ], control = strict)),
              k)
jack <- t(sapply(seq_len(n), function(i) coef(update(fits$logit, data = d[-i, ]))))
jack_mean <- colMeans(jack)
influence <- (n - 1) * sweep(-jack, 2, -jack_mean)
limits <- lapply(1:3, function(j) {
  ci <- boot.ci(pairs, conf = c(0.9, 0.95), type = c("norm", "basic", "perc", "bca"), index = j,
                L = influence[, j])
  list(normal = ci$normal[, 2:3], basic = ci$basic[, 4:5], percentile = ci$percent[, 4:5],
       bca = ci$bca[, 4:5])
})
counts <- unname(boot.array(pairs))
bootstrap <- list(counts = counts, replicates = unname(pairs$t), intervals = limits,
                  jackknife = unname(jack),
                  jackknife_cov = m((n - 1) / n * crossprod(sweep(jack, 2, jack_mean))))

versions <- sapply(c("sandwich", "clubSandwich", "boot", "MASS", "survival"),
                   function(name) as.character(packageVersion(name)))
write_json(
  list(r = R.version.string, packages = as.list(versions), data = d, fits = out,
       indefinite = list(data = e, raw = m(raw), fixed = m(fixed)),
       inside = list(CR2 = m(vcovCR(inside, cluster = d$firm, type = "CR2"))[1:3, 1:3]),
       ordinal = ordinal, conditional = conditional, bootstrap = bootstrap),
  file.path(here, "robust.json"), digits = 15, auto_unbox = TRUE, dataframe = "columns"
)

# Makes joint.json: what glmmTMB and VGAM say of beta, beta-binomial and Tweedie regression.
#
#     Rscript joint.R          (in this folder; needs glmmTMB, VGAM, jsonlite)
#
# glmmTMB's optimiser leaves about 6 digits of coefficients; joint_mp.py finds the maxima of the
# same likelihoods with 30. Its beta precision and Tweedie dispersion have log links; its
# beta-binomial phi is 1 / rho - 1. VGAM has rho itself, on the logit scale.

suppressMessages({library(glmmTMB); library(VGAM); library(jsonlite)})

set.seed(70)
n <- 60
data <- data.frame(
  x = round(rnorm(n), 3), z = round(runif(n, -1, 1), 3), g = sample(c("a", "b", "c"), n, TRUE),
  o = round(runif(n, -0.3, 0.3), 3), w = round(runif(n, 0.5, 2), 2),
  freq = sample(0:3, n, TRUE, c(0.1, 0.5, 0.3, 0.1))
)
mu <- with(data, plogis(-0.2 + 0.6 * x + 0.5 * (g == "b")))
phi <- exp(2 + 0.7 * data$z)
data$share <- round(pmin(pmax(rbeta(n, mu * phi, (1 - mu) * phi), 0.001), 0.999), 4)
data$trials <- sample(1:20, n, TRUE)
data$hits <- rbinom(n, data$trials, rbeta(n, mu * 5, (1 - mu) * 5))
data$misses <- data$trials - data$hits
events <- rpois(n, exp(0.2 + 0.5 * data$x) * data$w)
data$claims <- sapply(events, function(k) round(sum(rgamma(k, shape = 0.8, scale = 1.5)), 3))
data$claims <- data$claims / data$w

control <- glmmTMBControl(optCtrl = list(rel.tol = 1e-10, iter.max = 1000, eval.max = 2000))
by_tmb <- function(fit, more = NULL) {
  errors <- sqrt(diag(vcov(fit, full = TRUE)))
  list(mean = as.list(fixef(fit)$cond), spread = as.list(fixef(fit)$disp), more = more,
       se = unname(errors), llf = as.numeric(logLik(fit)))
}
tmb <- function(formula, family, disp = ~1, rows = seq_len(n)) {
  own <- data[rows, ]
  glmmTMB(formula, own, family = family, dispformula = disp, control = control)
}
tweedie_fit <- tmb(claims ~ x, glmmTMB::tweedie())
cases <- list(
  "beta" = by_tmb(tmb(share ~ x + g, beta_family())),
  "beta precision" = by_tmb(tmb(share ~ x + g, beta_family(), ~z)),
  "beta offset weights" = by_tmb(
    tmb(share ~ x + offset(o), beta_family(), ~z, rep(seq_len(n), data$freq))),
  "beta probit" = by_tmb(tmb(share ~ x, beta_family(link = "probit"))),
  "betabinomial" = by_tmb(tmb(cbind(hits, misses) ~ x + g, glmmTMB::betabinomial())),
  "tweedie" = by_tmb(tweedie_fit, unname(plogis(tail(tweedie_fit$fit$par, 1)) + 1)),
  "tweedie dispersion" = by_tmb(tmb(claims ~ x, glmmTMB::tweedie(), ~z))
)
vglm_fit <- vglm(cbind(hits, misses) ~ x + g, VGAM::betabinomial, data, epsilon = 1e-12,
                 maxit = 100)
output <- list(
  R = R.version.string,
  packages = as.list(sapply(c("glmmTMB", "VGAM"), function(p) as.character(packageVersion(p)))),
  data = data, cases = cases,
  vgam = list(coef = as.list(coef(vglm_fit)), llf = as.numeric(logLik(vglm_fit)))
)
write(toJSON(output, digits = NA, auto_unbox = TRUE, dataframe = "columns", null = "null"),
      "joint.json")

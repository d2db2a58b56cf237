# Reference values of tests/test_absorb.py: models with all indicator columns.
#
#   Rscript tests/reference/absorb.R > tests/reference/absorb.json
#
# A drawn sample (written out with the results) with two crossed factors, one of them nested
# in clusters; glm() with factor(firm) + factor(year), and covariances by sandwich.

suppressMessages({
  library(sandwich)
  library(jsonlite)
})

set.seed(3)
n <- 240
firm <- sample.int(24, n, replace = TRUE)
year <- sample.int(6, n, replace = TRUE)
region <- (firm - 1) %/% 6 + 1
x1 <- round(rnorm(n) + firm / 20, 3)
x2 <- round(runif(n), 3)
kind <- sample(c("a", "b", "c"), n, replace = TRUE)
weight <- sample(1:3, n, replace = TRUE)
precision <- round(runif(n, 0.5, 2), 2)
shift <- round(rnorm(n) / 4, 3)
eta <- 0.3 * x1 - 0.5 * x2 + 0.4 * sin(firm) + 0.2 * year / 6
count <- rpois(n, exp(0.3 + eta))
event <- rbinom(n, 1, plogis(eta))
amount <- round(rgamma(n, 2, 2 / exp(eta)), 4) + 1e-4
value <- round(eta + rnorm(n), 4)
d <- data.frame(firm, year, region, x1, x2, kind, weight, precision, shift,
                count, event, amount, value)

short <- c("x1", "x2", "kindb", "kindc")
told <- function(fit, ...) {
  more <- list(...)
  s <- summary(fit)$coefficients
  out <- list(
    params = unname(coef(fit)[short]),
    bse = unname(s[short, 2]),
    deviance = deviance(fit),
    df_resid = df.residual(fit),
    llf = as.numeric(logLik(fit)),
    firm = unname(c(coef(fit)["(Intercept)"],
                    coef(fit)["(Intercept)"] + coef(fit)[grepl("^factor\\(firm\\)", names(coef(fit)))])),
    year = unname(c(0, coef(fit)[grepl("^factor\\(year\\)", names(coef(fit)))]))
  )
  if (isTRUE(more$robust)) {
    se <- function(v) unname(sqrt(diag(v)[short]))
    out$HC0 <- se(vcovHC(fit, type = "HC0"))
    out$HC1 <- se(vcovHC(fit, type = "HC1"))
    out$cluster <- se(vcovCL(fit, cluster = d$region, type = "HC0", cadjust = FALSE))
  }
  out
}
tight <- glm.control(epsilon = 1e-14, maxit = 100)
right <- "x1 + x2 + kind + factor(firm) + factor(year)"
f <- function(y) as.formula(paste(y, "~", right))
fits <- list(
  poisson = told(glm(f("count"), poisson, d, control = tight), robust = TRUE),
  logit = told(glm(f("event"), binomial, d, control = tight), robust = TRUE),
  probit = told(glm(f("event"), binomial("probit"), d, control = tight)),
  cloglog = told(glm(f("event"), binomial("cloglog"), d, control = tight)),
  gamma = told(glm(f("amount"), Gamma("log"), d, control = tight)),
  normal = told(glm(f("value"), gaussian, d, control = tight), robust = TRUE),
  offset = told(glm(f("count"), poisson, d, offset = shift, control = tight)),
  weighted = told(glm(f("count"), poisson, d, weights = weight, control = tight)),
  precise = told(glm(f("value"), gaussian, d, weights = precision, control = tight))
)
cat(toJSON(list(
  versions = list(R = R.version.string, sandwich = as.character(packageVersion("sandwich"))),
  data = as.list(d), fits = fits
), digits = NA, auto_unbox = TRUE))
cat("\n")

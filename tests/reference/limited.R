# Makes limited.json: what VGAM says of generalised Poisson, truncated and censored counts.
#
#     Rscript limited.R          (in this folder; needs VGAM, jsonlite; reads counts.json)
#
# posnegbinomial() has size = 1 / alpha; genpoisson1() and genpoisson2() are GP-1 and GP-2 with
# variance mu phi (phi = (1 + alpha)^2) and mu (1 + alpha mu)^2. SurvS4() marks counts that are
# known only to be that large.

suppressMessages({library(VGAM); library(jsonlite)})
data <- as.data.frame(lapply(fromJSON("counts.json")$data, unlist))
data$top <- pmin(data$y, 6)
data$more <- as.numeric(data$y >= 6)
positive <- data[data$y > 0, ]
limits <- vglm.control(epsilon = 1e-12, maxit = 200)
told <- function(fit) list(coef = as.list(coef(fit)), llf = as.numeric(logLik(fit)))
cases <- list(
  "generalised 1" = told(vglm(y ~ x + g, genpoisson1(), data, control = limits)),
  "generalised 2" = told(vglm(y ~ x + g, genpoisson2(), data, control = limits)),
  "truncated poisson" = told(vglm(y ~ x + g, pospoisson(), positive, control = limits)),
  "truncated negbin" = told(vglm(y ~ x + g, posnegbinomial(), positive, control = limits)),
  "censored poisson" = told(vglm(SurvS4(top, 1 - more) ~ x + g, cens.poisson, data,
                                 control = limits))
)
made <- list(versions = list(R = R.version.string, VGAM = as.character(packageVersion("VGAM"))),
             cases = cases)
writeLines(toJSON(made, digits = 15, auto_unbox = TRUE, pretty = 1), "limited.json")

# Makes compare_counts.json: what MASS and pscl say of models of counts side by side.
#
#     Rscript compare_counts.R          (in this folder; needs MASS, pscl, jsonlite)
#
# The statistics are those of pscl::vuong(), whose function only prints them. Its parameters are
# those that coef() has, without theta: pairs with and without one are left out here.

suppressMessages({library(MASS); library(pscl); library(jsonlite)})
formula <- Days ~ Eth + Sex + Age + Lrn
parts <- Days ~ Eth + Sex + Age + Lrn | Sex
more <- function(model, dist) {
  suppressWarnings(model(parts, quine, dist = dist, reltol = 1e-16))
}
fits <- list(
  "Poisson" = glm(formula, poisson, quine, epsilon = 1e-14),
  "NB2" = glm.nb(formula, quine, control = glm.control(epsilon = 1e-14, maxit = 200)),
  "ZIP" = more(zeroinfl, "poisson"), "ZINB" = more(zeroinfl, "negbin"),
  "hurdle Poisson" = more(hurdle, "poisson"), "hurdle NB" = more(hurdle, "negbin")
)
vuong_of <- function(a, b) {
  own <- cbind(seq_along(quine$Days), quine$Days + 1)
  m <- log(predprob(fits[[a]])[own]) - log(predprob(fits[[b]])[own])
  n <- length(m)
  k <- length(coef(fits[[a]])) - length(coef(fits[[b]]))
  c(sum(m), sum(m) - k, sum(m) - k * log(n) / 2) / (sd(m) * sqrt(n))
}
pairs <- list(c("Poisson", "ZIP"), c("NB2", "ZINB"), c("ZIP", "hurdle Poisson"),
              c("ZINB", "hurdle NB"))
made <- list(
  versions = list(R = R.version.string, MASS = as.character(packageVersion("MASS")),
                  pscl = as.character(packageVersion("pscl"))),
  llf = lapply(fits, function(fit) as.numeric(logLik(fit))),
  frequencies = lapply(fits, function(fit) colSums(predprob(fit))[1:6]),
  vuong = lapply(pairs, function(p) list(first = p[1], second = p[2],
                                         statistic = vuong_of(p[1], p[2])))
)
writeLines(toJSON(made, digits = 12, auto_unbox = TRUE, pretty = 1), "compare_counts.json")

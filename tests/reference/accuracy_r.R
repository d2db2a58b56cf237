# Makes accuracy_r.json: what R's lm() and glm() find, as they are, for the sets of nist.json,
# accuracy.json and separation.json.
#
#     Rscript accuracy_r.R         (in this folder; needs jsonlite, MASS, statmod)
#
# Tolerances are R's own: the digits of these values are measured, they are no reference.

library(jsonlite)
library(MASS)
library(statmod)

text <- function(values) I(trimws(formatC(unname(values), digits = 17, format = "g")))

# a fit, the warnings it gave, and its coefficients with their errors; NA where R leaves one out.
# A negative binomial of given theta has a dispersion of 1, which summary() does not know.
told <- function(fit_it, dispersion = NULL) {
  said <- character()
  fit <- withCallingHandlers(fit_it(), warning = function(w) {
    said <<- c(said, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  table <- withCallingHandlers(
    (if (is.null(dispersion)) summary(fit) else summary(fit, dispersion = dispersion))$coefficients,
    warning = function(w) invokeRestart("muffleWarning")
  )
  errors <- setNames(rep(NA_real_, length(coef(fit))), names(coef(fit)))
  errors[rownames(table)] <- table[, 2]
  list(
    params = text(coef(fit)), bse = text(errors), warnings = I(said),
    converged = if (inherits(fit, "glm")) fit$converged else TRUE
  )
}

certified <- lapply(fromJSON("nist.json", simplifyVector = FALSE)$sets, function(set) {
  data <- as.data.frame(lapply(set$data, function(values) as.numeric(unlist(values))))
  terms <- gsub("**", "^", set$terms, fixed = TRUE)
  told(function() lm(as.formula(paste("y ~", terms)), data = data))
})

family_of <- function(case) {
  link <- case$link
  switch(case$family,
    gaussian = gaussian(link), binomial = binomial(link), poisson = poisson(link),
    gamma = Gamma(link), inversegaussian = inverse.gaussian(link),
    negativebinomial = negative.binomial(1 / case$parameter),
    tweedie = tweedie(var.power = case$parameter, link.power = 0)
  )
}
numbers <- function(values) if (is.null(values)) NULL else as.numeric(unlist(values))
cases <- lapply(fromJSON("accuracy.json", simplifyVector = FALSE)$cases, function(case) {
  y <- numbers(case$y)
  X <- do.call(rbind, lapply(case$X, unlist))
  weight <- numbers(case$weight)
  offset <- numbers(case$offset)
  told(function() {
    glm(y ~ X - 1, family = family_of(case), weights = weight, offset = offset)
  }, if (case$family == "negativebinomial") 1)
})

separated <- lapply(fromJSON("separation.json", simplifyVector = FALSE)$cases, function(case) {
  data <- as.data.frame(lapply(case$data, function(values) as.numeric(unlist(values))))
  formula <- gsub("C(", "factor(", case$formula, fixed = TRUE)
  told(function() glm(as.formula(formula), data = data, family = poisson))
})

write_json(
  list(
    R = R.version.string, nist = certified, cases = cases, separation = separated
  ),
  "accuracy_r.json", auto_unbox = TRUE, null = "null", na = "null", pretty = 1
)

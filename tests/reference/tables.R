# Tidy frames and what diagnostic plots show, from R; run in this folder:
#   Rscript tables.R
suppressPackageStartupMessages({
  library(jsonlite); library(broom); library(MASS); library(nnet); library(arm); library(car)
})
read <- function(name) read.csv(file.path("..", "..", "datasets", paste0(name, ".csv")))
exact <- glm.control(1e-15, 100)

infert <- read("infert")
warpbreaks <- read("warpbreaks")
warpbreaks$tension <- factor(warpbreaks$tension, c("L", "M", "H"))
trees <- read("trees")
beetles <- read("beetles")
housing <- read("housing")
housing$sat <- factor(housing$sat, c("Low", "Medium", "High"))
housing$infl <- factor(housing$infl, c("Low", "Medium", "High"))
housing$cont <- factor(housing$cont, c("Low", "High"))

logit <- glm(case ~ age + spontaneous + induced, binomial(), infert, control = exact)
counts <- glm(breaks ~ wool * tension, poisson(), warpbreaks, control = exact)
positive <- glm(volume ~ log(girth) + height, Gamma("log"), trees, control = exact)
trials <- glm(cbind(killed, survived) ~ log_dose, binomial(), beetles, control = exact)
linear <- lm(volume ~ girth + height, trees)
# glm() stops when the deviance stays, which is long before the coefficients do
again <- function(fit) { for (i in 1:20) fit <- update(fit, start = coef(fit)); fit }
glms <- lapply(list(logit = logit, poisson = counts, gamma = positive, trials = trials), again)

columns <- function(frame) as.list(as.data.frame(frame))
wald <- function(fit) {  # broom takes profile intervals for a glm
  table <- tidy(fit)
  ends <- confint.default(fit)
  if (fit$family$family == "Gamma") {
    reach <- qt(0.975, fit$df.residual) * table$std.error
    ends <- cbind(table$estimate - reach, table$estimate + reach)
  }
  cbind(table, conf.low = ends[, 1], conf.high = ends[, 2])
}
added <- function(fit, name) {  # of the last weighted least squares
  root <- sqrt(weights(fit, "working"))
  design <- model.matrix(fit) * root
  others <- design[, colnames(design) != name]
  x <- qr.resid(qr(others), design[, name])
  list(x = unname(x), y = unname(residuals(fit, "pearson") + x * coef(fit)[[name]]))
}

out <- list(
  versions = list(R = R.version.string, broom = as.character(packageVersion("broom")),
                  arm = as.character(packageVersion("arm")), car = as.character(packageVersion("car"))),
  tidy = c(lapply(glms, function(fit) columns(wald(fit))),
           list(linear = columns(tidy(linear, conf.int = TRUE)))),
  profile = columns(tidy(glms$logit, conf.int = TRUE, exponentiate = TRUE)),
  glance = c(lapply(glms, function(fit) columns(glance(fit))), list(linear = columns(glance(linear)))),
  augment = c(
    lapply(glms, function(fit) columns(augment(fit, type.predict = "response", se_fit = TRUE)[
      c(".fitted", ".se.fit", ".resid", ".hat", ".sigma", ".cooksd", ".std.resid")])),
    list(linear = columns(augment(linear, se_fit = TRUE)[
      c(".fitted", ".se.fit", ".resid", ".hat", ".sigma", ".cooksd", ".std.resid")]))),
  multinom_names = names(tidy(multinom(sat ~ infl + cont, housing, freq, trace = FALSE), conf.int = TRUE)),
  polr_names = names(tidy(polr(sat ~ infl + cont, housing, freq, Hess = TRUE), conf.int = TRUE)),
  polr_glance = columns(glance(polr(sat ~ infl + cont, housing, freq, Hess = TRUE,
                                    control = list(reltol = 1e-15)))),
  binned = list(
    fitted = columns(binned.resids(fitted(glms$logit), residuals(glms$logit, "response"), 15)$binned),
    age = columns(binned.resids(infert$age, residuals(glms$logit, "response"), 12)$binned),
    few = columns(binned.resids(fitted(linear), residuals(linear), 10)$binned)),
  order = list(theoretical = qnorm(ppoints(31)), few = qnorm(ppoints(8)),
               lower = qnorm(qbeta(0.025, 1:31, 31:1)), upper = qnorm(qbeta(0.975, 1:31, 31:1))),
  added = list(linear = columns(avPlots(linear, ~ height, layout = NA)$height),
               logit = added(glms$logit, "age"), gamma = added(glms$gamma, "log(girth)"),
               trials = added(glms$trials, "log_dose"))
)
pdf(NULL)
write_json(out, "tables.json", digits = NA, auto_unbox = TRUE)

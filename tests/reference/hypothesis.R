# Makes hypothesis.json: tests, analysis of deviance, profile and score intervals in R.
#
#     Rscript hypothesis.R     (in this folder; needs car, lmtest, sandwich, survival, MASS,
#                               nnet, ordinal, VGAM, multcomp, jsonlite)
#
# Data are the CSV files of datasets/. Fits run until the deviance stands still, so that what is
# computed from them has more digits than R's default of about 5. Interval ends are roots found by
# uniroot with tolerance 1e-13 on refits with an offset; MASS::confint interpolates profiles by
# splines and is kept beside them with its 3 to 4 digits.

suppressMessages({
  library(car); library(lmtest); library(sandwich); library(survival); library(MASS)
  library(nnet); library(VGAM); library(multcomp); library(jsonlite)
})
options(digits = 17, contrasts = c("contr.treatment", "contr.treatment"))
tight <- glm.control(epsilon = 1e-15, maxit = 200)
data <- function(name) read.csv(file.path("..", "..", "datasets", paste0(name, ".csv")))
# glm() with these limits, called from where it stands, so that drop1() can update the call
fit <- function(...) {
  call <- match.call()
  call[[1]] <- quote(glm)
  call$control <- quote(tight)
  suppressWarnings(eval(call, parent.frame()))
}
table_of <- function(x) {
  x <- as.data.frame(x)
  list(rows = rownames(x), columns = colnames(x), values = unname(lapply(x, as.numeric)))
}

warpbreaks <- data("warpbreaks")
warpbreaks$wool <- factor(warpbreaks$wool)
warpbreaks$tension <- factor(warpbreaks$tension, levels = c("L", "M", "H"))
warpbreaks$w <- rep(c(1, 2, 0.5), length.out = nrow(warpbreaks))
warpbreaks$o <- rep(c(0.1, -0.2, 0.05, 0), length.out = nrow(warpbreaks))
trees <- data("trees")
names(trees) <- tolower(names(trees))
challenger <- data("challenger")
rings <- data("challenger_rings")
endometrial <- data("endometrial")
infert_ <- data("infert")
infert_$education <- factor(infert_$education)
housing <- data("housing")
housing$sat <- factor(housing$sat, levels = c("Low", "Medium", "High"))
housing$infl <- factor(housing$infl, levels = c("Low", "Medium", "High"))
housing$type <- factor(housing$type, levels = c("Tower", "Apartment", "Atrium", "Terrace"))
housing$cont <- factor(housing$cont, levels = c("Low", "High"))

out <- list()

# -- one fit: anova, Anova, drop1 --------------------------------------------------------------
poisson_fit <- fit(breaks ~ wool * tension, family = poisson, data = warpbreaks)
weighted <- fit(breaks ~ wool + tension + offset(o), family = poisson, data = warpbreaks, weights = w)
quasi <- fit(breaks ~ wool * tension, family = quasipoisson, data = warpbreaks)
gamma_fit <- fit(volume ~ log(girth) + height, family = Gamma("log"), data = trees)
normal <- fit(volume ~ girth * height, family = gaussian, data = trees)
logit <- fit(case ~ age + parity + education + spontaneous + induced, family = binomial, data = infert_)
probit <- fit(case ~ education * parity + age, family = binomial("probit"), data = infert_)
deviance_tables <- function(model, estimated) {
  list(
    LR = table_of(anova(model, test = "Chisq")),
    Rao = table_of(anova(model, test = "Rao")),
    Cp = table_of(anova(model, test = "Cp")),
    F = if (estimated) table_of(anova(model, test = "F")),
    II_LR = table_of(Anova(model, type = 2, test.statistic = "LR")),
    II_Wald = table_of(Anova(model, type = 2, test.statistic = "Wald")),
    II_F = if (estimated) table_of(Anova(model, type = 2, test.statistic = "F")),
    III_LR = table_of(Anova(model, type = 3, test.statistic = "LR")),
    III_Wald = table_of(Anova(model, type = 3, test.statistic = "Wald")),
    III_F = if (estimated) table_of(Anova(model, type = 3, test.statistic = "F")),
    drop1_LR = table_of(drop1(model, test = "LRT")),
    drop1_Rao = table_of(drop1(model, test = "Rao"))
  )
}
out$deviance <- list(
  poisson = deviance_tables(poisson_fit, FALSE),
  weighted = deviance_tables(weighted, FALSE),
  quasi = deviance_tables(quasi, TRUE),
  gamma = deviance_tables(gamma_fit, TRUE),
  normal = deviance_tables(normal, TRUE),
  logit = deviance_tables(logit, FALSE),
  probit = deviance_tables(probit, FALSE)
)
sums <- fit(breaks ~ C(wool, contr.sum) * C(tension, contr.sum), family = poisson, data = warpbreaks)
out$sum_contrasts <- table_of(Anova(sums, type = 3, test.statistic = "LR"))
out$add1 <- list(
  poisson_LR = table_of(add1(fit(breaks ~ wool, family = poisson, data = warpbreaks), . ~ . + tension + tension:wool,
    test = "LRT")),
  poisson_Rao = table_of(add1(fit(breaks ~ 1, family = poisson, data = warpbreaks), . ~ wool + tension,
    test = "Rao"))
)
# a column that comes back: x2 = 2 x - 1 is aliased until x is dropped; glm() ties its tolerance
# for rank to epsilon, so here that is moderate
aliased <- warpbreaks
aliased$x <- rep(1:9, length.out = nrow(aliased))
aliased$x2 <- 2 * aliased$x - 1
model <- glm(breaks ~ x + wool + x2, family = poisson, data = aliased,
             control = glm.control(epsilon = 1e-10))
out$aliased <- list(drop1 = table_of(drop1(model, test = "LRT")),
                    anova = table_of(anova(model, test = "Chisq")))

# -- several fits, linear hypotheses -----------------------------------------------------------
gamma_small <- fit(volume ~ log(girth), family = Gamma("log"), data = trees)
gamma_null <- fit(volume ~ 1, family = Gamma("log"), data = trees)
normal_small <- fit(volume ~ girth, family = gaussian, data = trees)
lines <- function(model, hypothesis, ...) {
  found <- car::linearHypothesis(model, hypothesis, test = "Chisq", ...)
  list(df = found$Df[2], chisq = found$Chisq[2], p = found[["Pr(>Chisq)"]][2])
}
f_lines <- function(model, hypothesis, ...) {
  found <- car::linearHypothesis(model, hypothesis, test = "F", ...)
  list(df = found$Df[2], f = found$F[2], p = found[["Pr(>F)"]][2])
}
out$several <- list(
  gamma_F = table_of(anova(gamma_null, gamma_small, gamma_fit, test = "F")),
  gamma_LR = table_of(anova(gamma_null, gamma_small, gamma_fit, test = "Chisq")),
  gamma_Rao = table_of(anova(gamma_null, gamma_small, gamma_fit, test = "Rao")),
  gamma_Cp = table_of(anova(gamma_null, gamma_small, gamma_fit, test = "Cp")),
  gamma_lrtest = table_of(lmtest::lrtest(gamma_small, gamma_fit)),
  gamma_waldtest = table_of(lmtest::waldtest(gamma_small, gamma_fit, test = "Chisq")),
  gamma_waldtest_F = table_of(lmtest::waldtest(gamma_small, gamma_fit, test = "F")),
  normal_lrtest = table_of(lmtest::lrtest(normal_small, normal)),
  normal_waldtest_F = table_of(lmtest::waldtest(normal_small, normal, test = "F"))
)
hc0 <- function(model) vcovHC(model, type = "HC0")
out$hypotheses <- list(
  equal = lines(weighted, "tensionM = tensionH"),
  joint = lines(weighted, c("tensionM = tensionH", "woolB = -0.1")),
  scaled = lines(weighted, "2*tensionM - 0.25*tensionH = 0.5"),
  robust = lines(weighted, c("tensionM = tensionH", "woolB = -0.1"), vcov. = hc0),
  gamma_F = f_lines(gamma_fit, c("log(girth) = 2", "height = 0.01")),
  normal_F = f_lines(normal, c("girth = 0", "girth:height = 0"))
)
# likelihood ratio and score under tensionM = tensionH, which is a column of its own
warpbreaks$not_low <- as.numeric(warpbreaks$tension != "L")
merged <- fit(breaks ~ wool + not_low + offset(o), family = poisson, data = warpbreaks, weights = w)
out$restricted <- list(
  LR = table_of(anova(merged, weighted, test = "LRT")),
  Rao = table_of(anova(merged, weighted, test = "Rao"))
)

# -- pairs of levels ---------------------------------------------------------------------------
plain <- fit(breaks ~ wool + tension, family = poisson, data = warpbreaks)
pairs <- summary(glht(plain, linfct = mcp(tension = "Tukey")), test = adjusted("none"))$test
out$pairs <- list(
  labels = names(pairs$coefficients), effect = unname(pairs$coefficients),
  sd = unname(pairs$sigma), z = unname(pairs$tstat), p = unname(as.numeric(pairs$pvalues))
)
p <- c(0.001, 0.04, 0.02, 0.3, 0.012, 0.9, 0.0004, 0.04)
out$adjusted <- c(list(p = p), sapply(
  c("bonferroni", "holm", "hochberg", "hommel", "BH", "BY"), function(m) p.adjust(p, m),
  simplify = FALSE
))

# -- intervals ---------------------------------------------------------------------------------
root <- function(f, from, to) uniroot(f, c(from, to), tol = 1e-13, maxiter = 10000)$root
ends <- function(lost, estimate, error, reach = qnorm(0.975)) {
  f <- function(b) lost(b) - reach^2
  c(root(f, estimate - 8 * error, estimate), root(f, estimate, estimate + 8 * error))
}
profile_ends <- function(formula, family, data, column, estimate, error, deviance, dispersion = 1,
                         weights = NULL, also = 0, reach = qnorm(0.975)) {
  data$.column <- column; data$.also <- also
  lost <- function(b) {
    data$.o <- b * data$.column + data$.also
    data$.w <- if (is.null(weights)) rep(1, nrow(data)) else weights
    start <- NULL
    held <- suppressWarnings(glm(update(formula, . ~ . + offset(.o)), family = family, data = data,
                                 weights = .w, control = tight))
    (held$deviance - deviance) / dispersion
  }
  ends(lost, estimate, error, reach)
}
of <- function(model, name) summary(model)$coefficients[name, 1:2]
binary <- fit(O_RING_FAILURE ~ TEMPERATURE, family = binomial, data = challenger)
cloglog <- fit(O_RING_FAILURE ~ TEMPERATURE, family = binomial("cloglog"), data = challenger)
dalal <- fit(cbind(damaged, n_rings - damaged) ~ temperature, family = binomial, data = rings)
faraway <- fit(cbind(damaged_faraway, n_rings - damaged_faraway) ~ temperature, family = binomial, data = rings)
interval <- function(model, formula, family, data, name, column, ...) {
  e <- of(model, name)
  profile_ends(formula, family, data, column, e[1], e[2], model$deviance, ...)
}
out$profile <- list(
  challenger_intercept = interval(binary, O_RING_FAILURE ~ 0 + TEMPERATURE, binomial, challenger,
                                  "(Intercept)", rep(1, nrow(challenger))),
  challenger_slope = interval(binary, O_RING_FAILURE ~ 1, binomial, challenger, "TEMPERATURE",
                              challenger$TEMPERATURE),
  cloglog_slope = interval(cloglog, O_RING_FAILURE ~ 1, binomial("cloglog"), challenger,
                           "TEMPERATURE", challenger$TEMPERATURE),
  dalal_slope = interval(dalal, cbind(damaged, n_rings - damaged) ~ 1, binomial, rings,
                         "temperature", rings$temperature),
  faraway_slope = interval(faraway, cbind(damaged_faraway, n_rings - damaged_faraway) ~ 1,
                           binomial, rings, "temperature", rings$temperature),
  weighted_wool = interval(weighted, breaks ~ tension, poisson, warpbreaks, "woolB",
                           as.numeric(warpbreaks$wool == "B"), weights = warpbreaks$w,
                           also = warpbreaks$o),
  gamma_height = interval(gamma_fit, volume ~ log(girth), Gamma("log"), trees, "height",
                          trees$height, dispersion = summary(gamma_fit)$dispersion),
  gamma_height_t = interval(gamma_fit, volume ~ log(girth), Gamma("log"), trees, "height",
                            trees$height, dispersion = summary(gamma_fit)$dispersion,
                            reach = qt(0.975, df.residual(gamma_fit)))
)
quiet <- function(x) suppressMessages(unname(x))
out$mass <- list(
  challenger = quiet(confint(binary)), dalal = quiet(confint(dalal)["temperature", ]),
  faraway = quiet(confint(faraway)["temperature", ]), gamma = quiet(confint(gamma_fit)["height", ])
)
# separated: the likelihood tends to its supremum as the coefficient of NV goes to infinity
rest <- subset(endometrial, NV == 0)
rest_fit <- fit(HG ~ PI + EH, family = binomial, data = rest)
endo_limit <- rest_fit$deviance # rows with NV = 1 are fitted perfectly in the limit
endo <- function(b) {
  fit(HG ~ PI + EH, family = binomial, data = endometrial, offset = b * NV)$deviance - endo_limit
}
out$separated <- list(
  deviance = endo_limit,
  NV_lower = root(function(b) endo(b) - qchisq(0.95, 1), -5, 10),
  EH = interval(rest_fit, HG ~ PI, binomial, rest, "EH", rest$EH),
  NV_LR = endo(0),
  NV_Rao = anova(fit(HG ~ PI + EH, family = binomial, data = endometrial),
                 fit(HG ~ NV + PI + EH, family = binomial, data = endometrial), test = "Rao")$Rao[2]
)
# score: Wilson's interval, and the slope of the challenger data by Rao's statistic
wilson <- prop.test(7, 23, correct = FALSE)$conf.int
rao <- function(b) {
  held <- fit(O_RING_FAILURE ~ 1, family = binomial, data = challenger, offset = b * TEMPERATURE)
  mu <- fitted(held); X <- cbind(1, challenger$TEMPERATURE)
  u <- crossprod(X, challenger$O_RING_FAILURE - mu)
  as.numeric(t(u) %*% solve(crossprod(X * (mu * (1 - mu)), X)) %*% u)
}
e <- of(binary, "TEMPERATURE")
out$score <- list(wilson = as.numeric(wilson), challenger_slope = ends(rao, e[1], e[2]))

# -- other models ------------------------------------------------------------------------------
clogit_fit <- function(formula) {
  clogit(formula, data = infert_, method = "exact",
         control = coxph.control(eps = 1e-15, iter.max = 100, toler.chol = 1e-18))
}
cl <- clogit_fit(case ~ spontaneous + induced + strata(stratum))
cl_induced <- clogit_fit(case ~ induced + strata(stratum))
cl_both <- clogit_fit(case ~ I(spontaneous + induced) + strata(stratum))
e <- summary(cl)$coefficients["spontaneous", c(1, 3)]
lost <- function(b) {
  infert_$.o <- b * infert_$spontaneous
  held <- clogit(case ~ induced + offset(.o) + strata(stratum), data = infert_, method = "exact",
                 control = coxph.control(eps = 1e-15, iter.max = 100, toler.chol = 1e-18))
  2 * (cl$loglik[2] - held$loglik[2])
}
out$clogit <- list(
  anova = table_of(anova(cl)),
  LR_all = unname(summary(cl)$logtest[1]), score_all = unname(summary(cl)$sctest[1]),
  wald_all = unname(summary(cl)$waldtest[1]),
  LR_spontaneous = 2 * (cl$loglik[2] - cl_induced$loglik[2]),
  LR_equal = 2 * (cl$loglik[2] - cl_both$loglik[2]),
  profile_spontaneous = ends(lost, e[1], e[2])
)

vgam <- vglm.control(epsilon = 1e-14, maxit = 200)
multi <- function(formula) {
  eval(bquote(vglm(.(formula), multinomial(refLevel = 1), housing, weights = freq, control = vgam)))
}
mn <- multi(sat ~ infl + cont); mn_infl <- multi(sat ~ infl); mn_type <- multi(sat ~ infl * cont + type)
mn_main <- multi(sat ~ infl + cont + type)
equal <- matrix(c(0, 0, 0, 0, 0, 0, 1, -1), 1) # cont for Medium and High
b <- coef(mn); v <- vcov(mn)
wald <- function(R) as.numeric(t(R %*% b) %*% solve(R %*% v %*% t(R)) %*% (R %*% b))
out$multinomial <- list(
  names = names(b), LR_cont = deviance(mn_infl) - deviance(mn),
  wald_cont = wald(rbind(c(0, 0, 0, 0, 0, 0, 1, 0), c(0, 0, 0, 0, 0, 0, 0, 1))),
  wald_equal = wald(equal),
  LR_interaction = deviance(mn_main) - deviance(mn_type),
  lrt_stat = unname(lrt.stat(mn, omit1s = FALSE)), score_stat = unname(score.stat(mn, omit1s = FALSE)),
  nnet_LR_cont = deviance(multinom(sat ~ infl, housing, weights = freq, trace = FALSE,
      reltol = 1e-15, maxit = 1000)) -
    deviance(multinom(sat ~ infl + cont, housing, weights = freq, trace = FALSE, reltol = 1e-15,
      maxit = 1000))
)
cumulative_fit <- function(formula, parallel = TRUE, link = "logitlink") {
  eval(bquote(vglm(.(formula), cumulative(parallel = .(parallel), link = .(link), reverse = TRUE),
                   housing, weights = freq, control = vgam)))
}
po <- cumulative_fit(sat ~ infl + cont + type)
po_no_cont <- cumulative_fit(sat ~ infl + type)
npo <- cumulative_fit(sat ~ infl + cont + type, parallel = FALSE)
e <- c(coef(po)["contHigh"], sqrt(vcov(po)["contHigh", "contHigh"]))
lost <- function(b) {
  housing$.o <- b * (housing$cont == "High")
  held <- vglm(sat ~ infl + type + offset(cbind(.o, .o)), cumulative(parallel = TRUE, reverse = TRUE),
               housing, weights = freq, control = vgam)
  deviance(held) - deviance(po)
}
out$ordinal <- list(
  names = names(coef(po)), LR_cont = deviance(po_no_cont) - deviance(po),
  LR_parallel = deviance(po) - deviance(npo),
  lrt_stat = unname(lrt.stat(po, omit1s = FALSE)), score_stat = unname(score.stat(po, omit1s = FALSE)),
  profile_cont = unname(ends(lost, e[1], e[2]))
)

# -- Hauck and Donner --------------------------------------------------------------------------
hd <- function(model) {
  list(names = names(coef(model)), derivative = unname(as.numeric(hdeff(model, derivative = 1))))
}
out$hauck_donner <- list(
  poisson = hd(vglm(breaks ~ wool * tension, poissonff, warpbreaks, control = vgam)),
  challenger = hd(vglm(O_RING_FAILURE ~ TEMPERATURE, binomialff, challenger, control = vgam)),
  probit = hd(vglm(O_RING_FAILURE ~ TEMPERATURE, binomialff(link = "probitlink"), challenger,
                   control = vgam)),
  rings = hd(vglm(cbind(damaged, n_rings - damaged) ~ temperature, binomialff, rings,
                  control = vgam)),
  multinomial = hd(mn),
  ordinal = hd(po)
)
# two binomials of 25 trials: the more the second has, the less its Wald statistic (Yee 2022)
for (k in c(16, 20, 22, 23, 24)) {
  d <- data.frame(y = c(5, k), n = 25, x = c(0, 1))
  out$hauck_donner[[paste0("table_", k)]] <- hd(vglm(cbind(y, n - y) ~ x, binomialff, d,
                                                      control = vgam))
}

out$versions <- list(R = R.version.string)
for (package in c("car", "lmtest", "sandwich", "survival", "MASS", "nnet", "VGAM", "multcomp")) {
  out$versions[[package]] <- as.character(packageVersion(package))
}
write(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", pretty = FALSE), "hypothesis.json")

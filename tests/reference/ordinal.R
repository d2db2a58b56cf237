# Reference values of tests/test_ordinal.py.
#
#   Rscript tests/reference/ordinal.R > tests/reference/ordinal.json
#
# MASS::housing, weighted by its frequencies. Cumulative models by ordinal::clm (gradient
# below 1e-12; standard errors from the observed information) and, as a second witness of
# the conventions of the links, by MASS::polr. Adjacent categories and continuation ratios
# by VGAM::vglm. Brant's test is computed from stats::glm as Brant (1990) has it.

suppressMessages({
  library(MASS)
  library(ordinal)
  library(VGAM)
})

show <- function(x) {
  paste0("{", paste0("\"", names(x), "\": ", formatC(x, digits = 17, format = "g"),
                     collapse = ", "), "}")
}
number <- function(x) formatC(x, digits = 17, format = "g")
out <- c()
add <- function(name, ...) {
  parts <- c(...)
  out <<- c(out, paste0("\"", name, "\": {", paste(parts, collapse = ", "), "}"))
}
pair <- function(key, text) paste0("\"", key, "\": ", text)

tight <- clm.control(gradTol = 1e-12, maxIter = 200, method = "Newton")
housing$o <- seq(-1, 1, length.out = nrow(housing))

whole <- function(fit) {
  co <- coef(summary(fit))
  c(pair("params", show(coef(fit))), pair("bse", show(co[, 2])),
    pair("llf", number(as.numeric(logLik(fit)))))
}
# clm's own cauchit is 0.01 of log-likelihood off stats::pcauchy and polr's optimiser stops
# early for it, so that one is found from stats::pcauchy
cauchit <- function(theta) {
  eta <- model.matrix(~ Infl + Type + Cont, housing)[, -1] %*% theta[3:8]
  f <- cbind(0, pcauchy(theta[1] - eta), pcauchy(theta[2] - eta), 1)
  y <- as.integer(housing$Sat)
  rows <- seq_along(y)
  -sum(housing$Freq * log(f[cbind(rows, y + 1)] - f[cbind(rows, y)]))
}
fit <- clm(Sat ~ Infl + Type + Cont, data = housing, weights = Freq, link = "cauchit")
best <- optim(coef(fit), cauchit, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))
add("cauchit", pair("params", show(best$par)), pair("llf", number(-best$value)))

for (link in c("logit", "probit", "cloglog", "loglog")) {
  fit <- clm(Sat ~ Infl + Type + Cont, data = housing, weights = Freq, link = link,
             control = tight)
  method <- if (link == "logit") "logistic" else link
  # polr finds no start of its own for some links
  other <- polr(Sat ~ Infl + Type + Cont, data = housing, weights = Freq, method = method,
                start = round(coef(fit)[c(3:8, 1:2)], 1),
                control = list(reltol = 1e-15, maxit = 1000))
  add(paste0("clm_", link), whole(fit),
      pair("polr", show(c(coef(other), other$zeta))))
}
fit <- polr(Sat ~ Infl + Cont + offset(o), data = housing, weights = Freq,
            control = list(reltol = 1e-15, maxit = 1000))
add("offset", pair("params", show(c(coef(fit), fit$zeta))),
    pair("llf", number(as.numeric(logLik(fit)))))

fit <- clm(Sat ~ Infl + Type, nominal = ~ Cont, data = housing, weights = Freq,
           control = tight)
add("partial", whole(fit))

free <- list("(all)" = clm(Sat ~ 1, nominal = ~ Infl + Type + Cont, data = housing,
                           weights = Freq, control = tight),
             Infl = clm(Sat ~ Type + Cont, nominal = ~ Infl, data = housing, weights = Freq,
                        control = tight),
             Type = clm(Sat ~ Infl + Cont, nominal = ~ Type, data = housing, weights = Freq,
                        control = tight),
             Cont = fit)
base <- clm(Sat ~ Infl + Type + Cont, data = housing, weights = Freq, control = tight)
add("lr", pair("statistic", show(sapply(free, function(m)
  2 * as.numeric(logLik(m) - logLik(base))))))

# Brant (1990): binary logits of Y > j
X <- model.matrix(~ Infl + Type + Cont, housing)
w <- housing$Freq
eps <- glm.control(epsilon = 1e-15, maxit = 50)
fits <- lapply(1:2, function(j)
  glm.fit(X, as.numeric(as.integer(housing$Sat) > j), weights = w, family = binomial(),
          control = eps))
p <- sapply(fits, function(f) f$fitted.values)
bread <- lapply(1:2, function(j) solve(t(X) %*% (X * (w * p[, j] * (1 - p[, j])))))
cross <- bread[[1]] %*% (t(X) %*% (X * (w * p[, 2] * (1 - p[, 1])))) %*% bread[[2]]
d <- (fits[[2]]$coefficients - fits[[1]]$coefficients)[-1]
V <- (bread[[1]] + bread[[2]] - cross - t(cross))[-1, -1]
groups <- list("(all)" = 1:6, Infl = 1:2, Type = 3:5, Cont = 6)
brant <- sapply(groups, function(k) as.numeric(t(d[k]) %*% solve(V[k, k, drop = FALSE], d[k])))
add("brant", pair("statistic", show(brant)))

long <- housing[rep(seq_len(nrow(housing)), housing$Freq), ]
strict <- vglm.control(epsilon = 1e-14, maxit = 100)
vglm_numbers <- function(fit) {
  c(pair("params", show(coef(fit))), pair("bse", show(sqrt(diag(vcov(fit))))),
    pair("llf", number(as.numeric(logLik(fit)))))
}
add("acat", vglm_numbers(vglm(Sat ~ Infl + Cont, acat(parallel = TRUE), data = long,
                              control = strict)))
add("acat_partial", vglm_numbers(vglm(Sat ~ Infl + Cont, acat(parallel = FALSE ~ Cont),
                                      data = long, control = strict)))

# continuation ratios: binomials, stage by stage, in one glm
stages <- do.call(rbind, lapply(1:2, function(m) {
  rows <- housing[as.integer(housing$Sat) >= m, ]
  data.frame(on = as.numeric(as.integer(rows$Sat) > m), stage = factor(m, 1:2), rows)
}))
for (link in c("logit", "probit")) {
  fit <- glm(on ~ 0 + stage + Infl + Cont, family = binomial(link), data = stages,
             weights = Freq, control = eps)
  add(paste0("cratio_", link), pair("params", show(coef(fit))),
      if (link == "logit") pair("bse", show(sqrt(diag(vcov(fit))))))
}
fit <- glm(on ~ 0 + stage + Infl + stage:Cont, family = binomial, data = stages,
           weights = Freq, control = eps)
add("cratio_partial", pair("params", show(coef(fit)[c(1:4, 5:6)])),
    pair("bse", show(sqrt(diag(vcov(fit)))[c(1:4, 5:6)])))

version <- paste0(R.version.string, "; ordinal ", packageVersion("ordinal"), "; MASS ",
                  packageVersion("MASS"), "; VGAM ", packageVersion("VGAM"))
cat("{\"made_by\": \"", version, "\",\n", paste(out, collapse = ",\n"), "}\n", sep = "")

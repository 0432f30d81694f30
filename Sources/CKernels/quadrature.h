// Gauss and Legendre's rule with 16 points, for integrals of smooth functions that fall from 1 at 0.
#ifndef CKERNELS_QUADRATURE_H
#define CKERNELS_QUADRATURE_H

enum { ck_rule_points = 16 };

// Of [-1, 1]: the points come in pairs of either sign (DLMF 3.5.v).
static const double ck_rule_nodes[ck_rule_points / 2] = {
    0.09501250983763744, 0.2816035507792589, 0.45801677765722737, 0.6178762444026438, 0.755404408355003,
    0.8656312023878318, 0.9445750230732326, 0.9894009349916499};
static const double ck_rule_weights[ck_rule_points / 2] = {
    0.1894506104550685, 0.18260341504492358, 0.16915651939500254, 0.14959598881657674, 0.12462897125553388,
    0.09515851168249279, 0.062253523938647894, 0.027152459411754096};

// Point i of the rule on [from, from + 2 half].
static inline double rule_point(int i, double from, double half) {
  double node = ck_rule_nodes[i / 2];
  return from + half * (i % 2 ? 1 + node : 1 - node);
}

#endif

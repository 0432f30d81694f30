// Derivatives of functions of one operand, by number.
#include <math.h>

#include "families.h"

double ck_family_derivative(double code, double x) {
  int order, family;
  if (!ck_decode(code, &order, &family) || order > ck_max_order) return NAN;
  switch (family) {
    case CK_OF_NDTR: return ck_ndtr_order(order, x);
    case CK_OF_LOG_NDTR: return ck_log_ndtr_order(order, x);
    case CK_OF_NDTRI: return ck_ndtri_order(order, x);
    case CK_OF_ERFCX: return ck_erfcx_order(order, x);
    case CK_OF_SINC: return ck_sinc_order(order, x);
    case CK_OF_I0E: return ck_i0e_order(order, x);
    case CK_OF_I1E: return ck_i1e_order(order, x);
    case CK_OF_ERFINV: return ck_erfinv_order(order, x);
    default: return NAN;
  }
}

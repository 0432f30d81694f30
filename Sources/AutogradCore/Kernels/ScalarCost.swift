import CKernels

/// What an element of a special function costs, in elementary operations of a vector loop such as tanh: these are
/// computed one by one, by series and quadrature. Admission, deadlines and the choice of the thread go by it.
extension ck_unary_op {
  var steps: Int {
    switch self {
    case CK_ERFINV, CK_LGAMMA, CK_DIGAMMA, CK_NDTR, CK_LOG_NDTR, CK_NDTRI, CK_ERFCX, CK_SINC, CK_I0E, CK_I1E: 30
    default: 1
    }
  }
}

extension ck_binary_op {
  var steps: Int {
    switch self {
    case CK_GAUSSIAN_DERIVATIVE, CK_POW_DERIVATIVE, CK_HYPOT_PARTIAL, CK_INVERSION_PARTIAL: 30
    case CK_POLYGAMMA, CK_FAMILY_DERIVATIVE: 60
    case CK_ZETA: 250
    case CK_ZETA_PARTIAL, CK_GAMMAINC, CK_GAMMAINCC: 600
    case CK_GAMMAINC_PARTIAL: 1500
    default: rawValue >= CK_BETAINC.rawValue && rawValue < CK_BETAINC.rawValue + UInt32(CK_BETAINC_COUNT) ? 3000 : 1
    }
  }
}

/// The numbers of primitives; a node holds one of these.
public enum Opcode: UInt16, Sendable, CaseIterable {
  // Leaves.
  case input, constant
  // Pointwise.
  case add, sub, mul, div, neg
  case abs, square, reciprocal, sqrt, rsqrt, exp, expm1, log, log1p, log2, log10
  case sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh
  case erf, erfc, erfinv, lgamma, digamma, polygamma, sigmoid, softplus, logSigmoid, relu
  case sign, floor, ceil, round, trunc, isNaN, isInfinite, isFinite
  case pow, maximum, minimum, atan2, hypot, logAddExp, remainder, xlogy
  // Pointwise functions that only derivatives make.
  case sech2, gaussian, gaussianDerivative, tanSlope, asinSlope, atanhSlope, zeroOf
  case scaledSigmoid, scaledSech2, scaledGaussian, scaledErfc
  case direction, inversion, hypotPartial, inversionPartial, powByX, powByY, powDerivative, productQuotient
  case i0e, i1e, ndtr, logNdtr, ndtri, erfcx, sinc, gammaInc, gammaIncC, zeta, betaInc
  case familyDerivative, gammaIncPartial, zetaPartial
  case equal, notEqual, less, lessEqual, logicalAnd, logicalOr, logicalXor, logicalNot
  case select, cast, stopGradient, settled, guarded, kept, coincident, signed
  // Shape.
  case reshape, transpose, broadcast, slice, unslice, split, concat
  // Indices.
  case gather, scatterAdd, gatherAlong, scatterAddAlong
  // Reductions and products.
  case sum, matmul
  case prod, max, min, all, any, argmax, argmin
  case mean, meanSquare, scale, rest, productTerms
  case lengthCode, lengthOf, perLength, norm, unit, quotientByLength, lengthPower, radialPower, centred, runningExtremum
  case softmax, logSoftmax, logSumExp, deviations, weightedDeviations, withoutShare
  // Along an axis.
  case cumsum, recurrence, argsort, permute, unpermute
  // Matrices.
  case cholesky, triangularSolve, lu, luSolve, determinant, determinantSign, determinantLog, cofactors
  // Elements put at indices, running extrema.
  case scatterAlong, scatterMax, cummaxPlace, cumminPlace, logcumsumexp
  // Elements by rank.
  case argselect, searchLeft, searchRight
  case eigen, eigenvalues, eigenvectors, eigenSum, eigenDiagonal
  case svd, singularValues, leftVectors, rightVectors, singularSum, singularDiagonal, differenceQuotient, blur
  case qr, orthogonalFactor, triangularFactor, pseudoinverse, cutPart, ofFullRank
  case exponential, exponentialTangent, exponentialSlope
  // Defined by users of the library.
  case custom
}

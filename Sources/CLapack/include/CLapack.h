// LAPACK as this project needs it: a handful of functions on row-major matrices of doubles without gaps. Nothing else
// includes or names a LAPACK routine. Matrices may be empty; sizes fit an int32_t.
//
// Functions of n³ work take a flag, as CKernels.h has it: raised, they return early with z of no use.
//
// LAPACK's matrices are column-major, so it sees each of ours transposed; the routines are chosen such that nothing
// needs to be moved.
#ifndef CLAPACK_H
#define CLAPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// z = the lower triangular L with L Lᵀ = x, zeros above. Only the lower half of the symmetric x is read.
// Returns 0, or the order of the first leading minor that is not positive; z is then of no use. A NaN anywhere in that
// half gives NaN.
int32_t cl_cholesky(size_t n, double *z, const double *x, const int32_t *stop);

// z, of n + 3 rows: the factors of x = L U with partial pivoting as LAPACK packs them, for the functions below; behind
// them the row exchanges, and the powers of two by which the rows and the columns of a graded x were scaled before. A
// singular x has factors too.
void cl_lu(size_t n, double *z, const double *x, const int32_t *stop);

// z (n by m) = x⁻¹ b, or x⁻ᵀ b, for the x whose factors `lu` holds. z may be b.
// Returns 0, or the first k for which the k-th pivot is 0; z is then of no use.
int32_t cl_lu_solve(size_t n, size_t m, bool transposed, double *z, const double *lu, const double *b,
                    const int32_t *stop);

// z (n by m) = t⁻¹ b, or t⁻ᵀ b, for the lower or upper triangle t of x; what x holds elsewhere is not read. z may be b.
// Returns 0, or the first k for which the k-th element of the diagonal is 0; z is then of no use.
int32_t cl_triangular_solve(size_t n, size_t m, bool lower, bool transposed, double *z, const double *x,
                            const double *b, const int32_t *stop);

// The determinant of the x whose factors `lu` holds; no overflow unless the result overflows.
double cl_determinant(size_t n, const double *lu);
// Its sign (-1, 0 or 1) and the logarithm of its size (-infinity for 0). NaN has the sign NaN.
double cl_determinant_sign(size_t n, const double *lu);
double cl_determinant_log(size_t n, const double *lu);

// z = the cofactors of x: z[i, j] is the derivative of det x by x[i, j]. No division by the determinant, so that
// singular matrices have theirs. `scratch` has room for cl_cofactors_scratch(n) doubles.
void cl_cofactors(size_t n, double *z, const double *x, double *scratch, const int32_t *stop);
size_t cl_cofactors_scratch(size_t n);

// The functions below take any matrix; one with an element that is not finite gives NaN throughout. LAPACK cannot be
// stopped inside of cl_eigen and cl_svd: callers bound the sizes.

// z, of n + 1 rows: the eigenvectors of the symmetric x as columns, and in the last row their eigenvalues, ascending.
// Only the lower half is read. NaN if LAPACK does not converge. `scratch` has room for cl_eigen_scratch(n) doubles.
void cl_eigen(size_t n, double *z, const double *x, double *scratch, const int32_t *stop);
size_t cl_eigen_scratch(size_t n);

// z, of m + 1 + n rows of k = min(m, n): U, the singular values in descending order, and V, of x (m by n) = U S Vᵀ.
// NaN if LAPACK does not converge. `scratch` has room for cl_svd_scratch(m, n) doubles.
void cl_svd(size_t m, size_t n, double *z, const double *x, double *scratch, const int32_t *stop);
size_t cl_svd_scratch(size_t m, size_t n);

// z, of m + n rows of n: Q and R of x (m by n, m >= n) = Q R, R being upper triangular with diagonal elements of any
// sign. `scratch` has room for cl_qr_scratch(m, n) doubles.
void cl_qr(size_t m, size_t n, double *z, const double *x, double *scratch, const int32_t *stop);
size_t cl_qr_scratch(size_t m, size_t n);

// z = the exponential of the square x. `scratch` has room for cl_exponential_scratch(n) doubles.
void cl_exponential(size_t n, double *z, const double *x, double *scratch, const int32_t *stop);
size_t cl_exponential_scratch(size_t n);

// z = the derivative of that exponential along a matrix, which stands in x below the n rows of the first. `scratch` has
// room for cl_exponential_slope_scratch(n) doubles.
void cl_exponential_slope(size_t n, double *z, const double *x, double *scratch, const int32_t *stop);
size_t cl_exponential_slope_scratch(size_t n);

#endif

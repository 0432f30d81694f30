// Memory of a thread's own for kernels to lay operands out in: made when first asked for and as large as the largest
// need, of which only what is written takes room. (As thread-local arrays it would be taken from the stack of every
// thread.)
#ifndef CKERNELS_SCRATCH_H
#define CKERNELS_SCRATCH_H

#include "CKernels.h"

// Rows and columns that a matrix product lays out together, CK_PRODUCT_DEPTH deep.
enum { CK_PRODUCT_BLOCK = 96, CK_PRODUCT_PANEL = 1024 };
enum { CK_PACKED_BYTES = (CK_PRODUCT_BLOCK + CK_PRODUCT_PANEL) * 256 * 8 };
// What kernels pack, and the tile of ck_tile.
enum { CK_SCRATCH_BYTES = CK_PACKED_BYTES + CK_TILE_ROWS * CK_TILE_COLUMNS * 8 };

void *ck_scratch(void);

#endif

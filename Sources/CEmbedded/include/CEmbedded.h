// Documents that are part of the binary, so that it needs no files beside it.
#ifndef CEMBEDDED_H
#define CEMBEDDED_H

#include <stddef.h>

typedef struct {
  const unsigned char *bytes;
  size_t count;
} embedded_document;

embedded_document embedded_openapi_yaml(void);
embedded_document embedded_openapi_json(void);
embedded_document embedded_docs_html(void);

#endif

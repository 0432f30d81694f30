// Documents that are part of the binary, so that it needs no files beside it.
#ifndef CEMBEDDED_H
#define CEMBEDDED_H

#include <stddef.h>

typedef struct {
  const unsigned char *bytes;
  size_t count;
} embedded_document;

/// A file of the page, by the last part of its path.
typedef struct {
  const char *name;
  const char *media_type;
  embedded_document content;
} embedded_file;

/// The files of the page, as many as `count` then says.
const embedded_file *embedded_page(size_t *count);

/// The client for JavaScript, which pages import.
embedded_document embedded_client_js(void);
embedded_document embedded_openapi_yaml(void);
embedded_document embedded_openapi_json(void);
embedded_document embedded_docs_html(void);

#endif

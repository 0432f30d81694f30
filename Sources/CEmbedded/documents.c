#include "CEmbedded.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char openapi_yaml[] = {
#embed "../../openapi.yaml"
};

// Made from the YAML by `make openapi`; a test holds them to be the same.
static const unsigned char openapi_json[] = {
#embed "openapi.json"
};

// Made from the YAML and the operations by `make openapi`; a test holds it to be so.
static const unsigned char docs_html[] = {
#embed "docs.html"
};

static const unsigned char client_js[] = {
#embed "../../clients/javascript/autograd.mjs"
};

embedded_document embedded_client_js(void) { return (embedded_document){client_js, sizeof client_js}; }

embedded_document embedded_openapi_yaml(void) {
  return (embedded_document){openapi_yaml, sizeof openapi_yaml};
}

embedded_document embedded_openapi_json(void) {
  return (embedded_document){openapi_json, sizeof openapi_json};
}

embedded_document embedded_docs_html(void) {
  return (embedded_document){docs_html, sizeof docs_html};
}

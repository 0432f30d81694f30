// Made by scripts/page-files.py from the folder page/. Lint holds it to be up to date.
#include "CEmbedded.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char address_js[] = {
#embed "page/address.js"
};

static const unsigned char answer_js[] = {
#embed "page/answer.js"
};

static const unsigned char app_js[] = {
#embed "page/app.js"
};

static const unsigned char axes_js[] = {
#embed "page/axes.js"
};

static const unsigned char base_css[] = {
#embed "page/base.css"
};

static const unsigned char chart_js[] = {
#embed "page/chart.js"
};

static const unsigned char client_js[] = {
#embed "page/client.js"
};

static const unsigned char code_js[] = {
#embed "page/code.js"
};

static const unsigned char contour_js[] = {
#embed "page/contour.js"
};

static const unsigned char curve_js[] = {
#embed "page/curve.js"
};

static const unsigned char derivative_js[] = {
#embed "page/derivative.js"
};

static const unsigned char dom_js[] = {
#embed "page/dom.js"
};

static const unsigned char editor_js[] = {
#embed "page/editor.js"
};

static const unsigned char examples_js[] = {
#embed "page/examples.js"
};

static const unsigned char field_file_js[] = {
#embed "page/field-file.js"
};

static const unsigned char field_number_js[] = {
#embed "page/field-number.js"
};

static const unsigned char field_table_js[] = {
#embed "page/field-table.js"
};

static const unsigned char field_text_js[] = {
#embed "page/field-text.js"
};

static const unsigned char fields_js[] = {
#embed "page/fields.js"
};

static const unsigned char files_js[] = {
#embed "page/files.js"
};

static const unsigned char graph_layout_js[] = {
#embed "page/graph-layout.js"
};

static const unsigned char graph_model_js[] = {
#embed "page/graph-model.js"
};

static const unsigned char graph_js[] = {
#embed "page/graph.js"
};

static const unsigned char highlight_js[] = {
#embed "page/highlight.js"
};

static const unsigned char icon_svg[] = {
#embed "page/icon.svg"
};

static const unsigned char index_html[] = {
#embed "page/index.html"
};

static const unsigned char inspect_js[] = {
#embed "page/inspect.js"
};

static const unsigned char layout_css[] = {
#embed "page/layout.css"
};

static const unsigned char lexer_js[] = {
#embed "page/lexer.js"
};

static const unsigned char names_js[] = {
#embed "page/names.js"
};

static const unsigned char numbers_js[] = {
#embed "page/numbers.js"
};

static const unsigned char operations_js[] = {
#embed "page/operations.js"
};

static const unsigned char options_js[] = {
#embed "page/options.js"
};

static const unsigned char panel_css[] = {
#embed "page/panel.css"
};

static const unsigned char panzoom_js[] = {
#embed "page/panzoom.js"
};

static const unsigned char picture_js[] = {
#embed "page/picture.js"
};

static const unsigned char plot_points_js[] = {
#embed "page/plot-points.js"
};

static const unsigned char plot_js[] = {
#embed "page/plot.js"
};

static const unsigned char problem_js[] = {
#embed "page/problem.js"
};

static const unsigned char registered_js[] = {
#embed "page/registered.js"
};

static const unsigned char request_js[] = {
#embed "page/request.js"
};

static const unsigned char runner_js[] = {
#embed "page/runner.js"
};

static const unsigned char snippets_js[] = {
#embed "page/snippets.js"
};

static const unsigned char state_js[] = {
#embed "page/state.js"
};

static const unsigned char svg_file_js[] = {
#embed "page/svg-file.js"
};

static const unsigned char tabs_js[] = {
#embed "page/tabs.js"
};

static const unsigned char tensor_view_js[] = {
#embed "page/tensor-view.js"
};

static const unsigned char tensors_js[] = {
#embed "page/tensors.js"
};

static const unsigned char theme_js[] = {
#embed "page/theme.js"
};

static const unsigned char views_css[] = {
#embed "page/views.css"
};

static const embedded_file files[] = {
  {"address.js", "text/javascript; charset=utf-8", {address_js, sizeof address_js}},
  {"answer.js", "text/javascript; charset=utf-8", {answer_js, sizeof answer_js}},
  {"app.js", "text/javascript; charset=utf-8", {app_js, sizeof app_js}},
  {"axes.js", "text/javascript; charset=utf-8", {axes_js, sizeof axes_js}},
  {"base.css", "text/css; charset=utf-8", {base_css, sizeof base_css}},
  {"chart.js", "text/javascript; charset=utf-8", {chart_js, sizeof chart_js}},
  {"client.js", "text/javascript; charset=utf-8", {client_js, sizeof client_js}},
  {"code.js", "text/javascript; charset=utf-8", {code_js, sizeof code_js}},
  {"contour.js", "text/javascript; charset=utf-8", {contour_js, sizeof contour_js}},
  {"curve.js", "text/javascript; charset=utf-8", {curve_js, sizeof curve_js}},
  {"derivative.js", "text/javascript; charset=utf-8", {derivative_js, sizeof derivative_js}},
  {"dom.js", "text/javascript; charset=utf-8", {dom_js, sizeof dom_js}},
  {"editor.js", "text/javascript; charset=utf-8", {editor_js, sizeof editor_js}},
  {"examples.js", "text/javascript; charset=utf-8", {examples_js, sizeof examples_js}},
  {"field-file.js", "text/javascript; charset=utf-8", {field_file_js, sizeof field_file_js}},
  {"field-number.js", "text/javascript; charset=utf-8", {field_number_js, sizeof field_number_js}},
  {"field-table.js", "text/javascript; charset=utf-8", {field_table_js, sizeof field_table_js}},
  {"field-text.js", "text/javascript; charset=utf-8", {field_text_js, sizeof field_text_js}},
  {"fields.js", "text/javascript; charset=utf-8", {fields_js, sizeof fields_js}},
  {"files.js", "text/javascript; charset=utf-8", {files_js, sizeof files_js}},
  {"graph-layout.js", "text/javascript; charset=utf-8", {graph_layout_js, sizeof graph_layout_js}},
  {"graph-model.js", "text/javascript; charset=utf-8", {graph_model_js, sizeof graph_model_js}},
  {"graph.js", "text/javascript; charset=utf-8", {graph_js, sizeof graph_js}},
  {"highlight.js", "text/javascript; charset=utf-8", {highlight_js, sizeof highlight_js}},
  {"icon.svg", "image/svg+xml", {icon_svg, sizeof icon_svg}},
  {"index.html", "text/html; charset=utf-8", {index_html, sizeof index_html}},
  {"inspect.js", "text/javascript; charset=utf-8", {inspect_js, sizeof inspect_js}},
  {"layout.css", "text/css; charset=utf-8", {layout_css, sizeof layout_css}},
  {"lexer.js", "text/javascript; charset=utf-8", {lexer_js, sizeof lexer_js}},
  {"names.js", "text/javascript; charset=utf-8", {names_js, sizeof names_js}},
  {"numbers.js", "text/javascript; charset=utf-8", {numbers_js, sizeof numbers_js}},
  {"operations.js", "text/javascript; charset=utf-8", {operations_js, sizeof operations_js}},
  {"options.js", "text/javascript; charset=utf-8", {options_js, sizeof options_js}},
  {"panel.css", "text/css; charset=utf-8", {panel_css, sizeof panel_css}},
  {"panzoom.js", "text/javascript; charset=utf-8", {panzoom_js, sizeof panzoom_js}},
  {"picture.js", "text/javascript; charset=utf-8", {picture_js, sizeof picture_js}},
  {"plot-points.js", "text/javascript; charset=utf-8", {plot_points_js, sizeof plot_points_js}},
  {"plot.js", "text/javascript; charset=utf-8", {plot_js, sizeof plot_js}},
  {"problem.js", "text/javascript; charset=utf-8", {problem_js, sizeof problem_js}},
  {"registered.js", "text/javascript; charset=utf-8", {registered_js, sizeof registered_js}},
  {"request.js", "text/javascript; charset=utf-8", {request_js, sizeof request_js}},
  {"runner.js", "text/javascript; charset=utf-8", {runner_js, sizeof runner_js}},
  {"snippets.js", "text/javascript; charset=utf-8", {snippets_js, sizeof snippets_js}},
  {"state.js", "text/javascript; charset=utf-8", {state_js, sizeof state_js}},
  {"svg-file.js", "text/javascript; charset=utf-8", {svg_file_js, sizeof svg_file_js}},
  {"tabs.js", "text/javascript; charset=utf-8", {tabs_js, sizeof tabs_js}},
  {"tensor-view.js", "text/javascript; charset=utf-8", {tensor_view_js, sizeof tensor_view_js}},
  {"tensors.js", "text/javascript; charset=utf-8", {tensors_js, sizeof tensors_js}},
  {"theme.js", "text/javascript; charset=utf-8", {theme_js, sizeof theme_js}},
  {"views.css", "text/css; charset=utf-8", {views_css, sizeof views_css}},
};

const embedded_file *embedded_page(size_t *count) {
  *count = sizeof files / sizeof *files;
  return files;
}

/* Made by tools/pages from the names in site/; their bytes are read by the compiler. */
#include "datasync_pages.h"

/* In every compiler that Swift 6.2 comes with, whatever the language's version. */
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char file_0[] = {
#embed "site/console.css"
};
static const unsigned char file_1[] = {
#embed "site/console.js"
};
static const unsigned char file_2[] = {
#embed "site/console/columns.js"
};
static const unsigned char file_3[] = {
#embed "site/console/conflict.js"
};
static const unsigned char file_4[] = {
#embed "site/console/dom.js"
};
static const unsigned char file_5[] = {
#embed "site/console/drafts.js"
};
static const unsigned char file_6[] = {
#embed "site/console/editor.js"
};
static const unsigned char file_7[] = {
#embed "site/console/filter.js"
};
static const unsigned char file_8[] = {
#embed "site/console/geometry.js"
};
static const unsigned char file_9[] = {
#embed "site/console/grid.js"
};
static const unsigned char file_10[] = {
#embed "site/console/log.js"
};
static const unsigned char file_11[] = {
#embed "site/console/operators.js"
};
static const unsigned char file_12[] = {
#embed "site/console/overview.js"
};
static const unsigned char file_13[] = {
#embed "site/console/rows.js"
};
static const unsigned char file_14[] = {
#embed "site/console/session.js"
};
static const unsigned char file_15[] = {
#embed "site/console/table.js"
};
static const unsigned char file_16[] = {
#embed "site/console/values.js"
};
static const unsigned char file_17[] = {
#embed "site/datasync.d.ts"
};
static const unsigned char file_18[] = {
#embed "site/datasync.js"
};
static const unsigned char file_19[] = {
#embed "site/index.html"
};
static const unsigned char file_20[] = {
#embed "site/todo/index.html"
};
static const unsigned char file_21[] = {
#embed "site/todo/todo.css"
};
static const unsigned char file_22[] = {
#embed "site/todo/todo.js"
};

static const struct datasync_page pages[] = {
  {"console.css", file_0, sizeof file_0},
  {"console.js", file_1, sizeof file_1},
  {"console/columns.js", file_2, sizeof file_2},
  {"console/conflict.js", file_3, sizeof file_3},
  {"console/dom.js", file_4, sizeof file_4},
  {"console/drafts.js", file_5, sizeof file_5},
  {"console/editor.js", file_6, sizeof file_6},
  {"console/filter.js", file_7, sizeof file_7},
  {"console/geometry.js", file_8, sizeof file_8},
  {"console/grid.js", file_9, sizeof file_9},
  {"console/log.js", file_10, sizeof file_10},
  {"console/operators.js", file_11, sizeof file_11},
  {"console/overview.js", file_12, sizeof file_12},
  {"console/rows.js", file_13, sizeof file_13},
  {"console/session.js", file_14, sizeof file_14},
  {"console/table.js", file_15, sizeof file_15},
  {"console/values.js", file_16, sizeof file_16},
  {"datasync.d.ts", file_17, sizeof file_17},
  {"datasync.js", file_18, sizeof file_18},
  {"index.html", file_19, sizeof file_19},
  {"todo/index.html", file_20, sizeof file_20},
  {"todo/todo.css", file_21, sizeof file_21},
  {"todo/todo.js", file_22, sizeof file_22},
};

size_t datasync_page_count(void) { return sizeof pages / sizeof pages[0]; }

struct datasync_page datasync_page_at(size_t index) { return pages[index]; }

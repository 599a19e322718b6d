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
#embed "site/datasync.d.ts"
};
static const unsigned char file_3[] = {
#embed "site/datasync.js"
};
static const unsigned char file_4[] = {
#embed "site/index.html"
};
static const unsigned char file_5[] = {
#embed "site/todo/index.html"
};
static const unsigned char file_6[] = {
#embed "site/todo/todo.css"
};
static const unsigned char file_7[] = {
#embed "site/todo/todo.js"
};

static const struct datasync_page pages[] = {
  {"console.css", file_0, sizeof file_0},
  {"console.js", file_1, sizeof file_1},
  {"datasync.d.ts", file_2, sizeof file_2},
  {"datasync.js", file_3, sizeof file_3},
  {"index.html", file_4, sizeof file_4},
  {"todo/index.html", file_5, sizeof file_5},
  {"todo/todo.css", file_6, sizeof file_6},
  {"todo/todo.js", file_7, sizeof file_7},
};

size_t datasync_page_count(void) { return sizeof pages / sizeof pages[0]; }

struct datasync_page datasync_page_at(size_t index) { return pages[index]; }

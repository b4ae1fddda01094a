/* SPDX-License-Identifier: Apache-2.0
 *
 * One region of out by register tiles. k is cut into passes of `depth`; in a pass the columns are
 * taken panel by panel, each panel of right staying in the cache while all rows of left pass by it.
 * Left is read at a few bytes a cycle only, so it may come from any cache. Some panels make a
 * group, whose part of out is given to the hook while it is still in the cache.
 */
#include "backend/native/gemm_plan.h"

enum { GROUP = 5, AHEAD = 4 /* tiles */, TILE_BYTES = FTL_GEMM_ROWS * FTL_GEMM_VECTORS * 64 };

/* One pass: places k .. k+n_k. */
typedef struct pass {
    const gemm_region *region;
    int64_t k, n_k;
    char *left, *right; /* packed, or null */
    bool is_first;
    bool is_left_far;   /* left is read in place once, from beyond the near caches */
    const char *left_at; /* row 0's elements of this pass */
    int64_t left_row;   /* bytes from a row to the next */
    /* offsets: of the places of k in the operands that are packed by lists; of rows and columns in
     * out, unless all tiles write to where out lies */
    int64_t *k_places[2], *row_places, *col_places;
} pass;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- out ---- */

/* Adds the sums in tile t to the rows and columns of out that they belong to, or writes them. */
static void scatter_tile(const pass *s, const ftl_gemm_tile *t, int64_t row, const gemm_panel *c)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    ftl_gemm_scatter all = {
        .c = g->out, .sums = t->c, .width = t->c_row, .n = c->n,
        .rows = least(p->table->rows, g->row + g->rows - row),
        .row = s->row_places + (row - g->row),
        .col = s->col_places + (p->is_row_order ? c->col - g->col : 0),
        .is_added = !s->is_first || p->beta != 0,
    };
    p->table->scatter(&all);
}

/* Asks for the rows of the next tile while this one is computed. */
static void fetch_left(const pass *s, int64_t row, int64_t rows)
{
    const int64_t bytes = s->n_k * (int64_t)s->region->run->plan->size;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t at = 0; at < bytes; at += 64)
            __builtin_prefetch(s->left_at + (row + i) * s->left_row + at, 0, 2);
}

/* Runs the tiles of some rows of the panel c, whose right operand t has. */
static void run_tiles(const pass *s, ftl_gemm_tile *t, const int64_t span[2], const gemm_panel *c)
{
    _Alignas(64) char sums[TILE_BYTES];
    const ftl_gemm *p = s->region->run->plan;
    const int64_t size = (int64_t)p->size, most = p->table->rows, end = span[0] + span[1];
    const int64_t vectors = (c->width - 1) / p->table->lanes;
    const bool is_part = s->region->is_part;
    const bool is_plain = is_part || (p->is_out_plain && c->n == c->width);
    const bool is_far = s->is_left_far && c->col == s->region->col;
    const int64_t out_row = is_part ? p->padded_cols : ftl_gemm_get_step(&p->rows, OUT);
    const int64_t far_end = s->region->row + s->region->rows;
    t->c = sums;
    t->c_row = is_plain ? out_row : c->width;
    t->is_added = is_plain && (!s->is_first || (p->beta != 0 && !is_part));
    for (int64_t row = span[0]; row < end; row += most) {
        t->a = s->left_at + row * s->left_row;
        if (is_far)
            fetch_left(s, row + AHEAD * most, least(most, far_end - row - AHEAD * most));
        if (is_plain)
            t->c = s->region->out + (row * out_row + c->col) * size;
        p->table->tile[least(most, end - row) - 1][vectors](t);
        if (!is_plain)
            scatter_tile(s, t, row, c);
    }
}

/* out = beta * out, for what no tile writes first: beta other than 0 and 1, and sums over nothing.
 */
static void scale_out(const gemm_region *g)
{
    const ftl_gemm *p = g->run->plan;
    for (int64_t i = 0; i < g->rows; i++)
        for (int64_t j = 0; j < g->cols; j++) {
            char *y = g->out + (ftl_gemm_get_offset(&p->rows, OUT, g->row + i) +
                                ftl_gemm_get_offset(&p->cols, OUT, g->col + j)) *
                                   (int64_t)p->size;
            if (p->size == 4)
                *(float *)y = p->beta == 0 ? 0 : (float)(p->beta * (double)*(float *)y);
            else
                *(double *)y = p->beta == 0 ? 0 : p->beta * *(double *)y;
        }
}

/* ---- operands ---- */

static void pack_left(const pass *s)
{
    const gemm_region *g = s->region;
    const int64_t rows = g->run->plan->table->rows;
    for (int64_t i = 0; i < g->rows; i += rows) {
        gemm_rectangle r = {.which = LEFT, .data = g->left, .k = s->k, .n_k = s->n_k,
                            .i = g->row + i, .n_i = least(rows, g->rows - i),
                            .k_places = s->k_places[LEFT]};
        ftl_gemm_pack_rectangle(g->run, &r,
                                s->left + i * s->n_k * (int64_t)g->run->plan->size, rows);
    }
}

static bool is_packed_here(const ftl_gemm *p, const gemm_panel *c)
{
    return !p->is_right_packed && !(p->is_right_direct && c->n == c->width);
}

static char *get_room(const pass *s, const gemm_panel *c)
{
    const ftl_gemm *p = s->region->run->plan;
    int64_t place = p->is_row_order ? (c->col - s->region->col) * s->n_k : 0;
    return s->right + place * (int64_t)p->size;
}

static void pack_right(const pass *s, const gemm_panel *c)
{
    const gemm_region *g = s->region;
    gemm_rectangle r = {.which = RIGHT, .data = g->right, .k = s->k, .n_k = s->n_k, .i = c->col,
                        .n_i = c->n, .k_places = s->k_places[RIGHT]};
    if (is_packed_here(g->run->plan, c))
        ftl_gemm_pack_rectangle(g->run, &r, get_room(s, c), c->width);
}

/* Sets b and b_k for a panel, which is packed already if need be. */
static void find_right(const pass *s, ftl_gemm_tile *t, const gemm_panel *c)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    const int64_t size = (int64_t)p->size;
    t->b_k = c->width;
    if (p->is_right_packed) {
        t->b = g->right + (c->col * p->inner.count + s->k * c->width) * size;
    } else if (is_packed_here(p, c)) {
        t->b = get_room(s, c);
    } else {
        t->b_k = ftl_gemm_get_step(&p->inner, RIGHT);
        t->b = g->right + (s->k * t->b_k + c->col) * size;
    }
}

static void find_left(pass *s)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    const int64_t size = (int64_t)p->size, far = 1 << 20;
    if (!p->is_left_direct) {
        s->left_row = s->n_k * size;
        s->left_at = s->left - g->row * s->left_row;
        return;
    }
    s->left_row = ftl_gemm_get_step(&p->rows, LEFT) * size;
    s->left_at = g->left + s->k * ftl_gemm_get_step(&p->inner, LEFT) * size;
    s->is_left_far = (p->is_row_order || g->panels == 1) &&
                     ftl_gemm_get_step(&p->inner, LEFT) == 1 && p->rows.count * s->n_k * size > far;
}

/* A tile without its right operand and its place in out. */
static ftl_gemm_tile make_tile(const pass *s)
{
    const ftl_gemm *p = s->region->run->plan;
    ftl_gemm_tile t = {.k = s->n_k, .alpha = p->alpha, .a_row = 1, .a_k = p->table->rows};
    if (p->is_left_direct) {
        t.a_row = ftl_gemm_get_step(&p->rows, LEFT);
        t.a_k = ftl_gemm_get_step(&p->inner, LEFT);
    }
    return t;
}

/* ---- lists of places ---- */

static bool is_out_listed(const gemm_region *g)
{
    const ftl_gemm *p = g->run->plan;
    return !g->is_part && (!p->is_out_plain || p->cols.count % p->table->lanes != 0);
}

static void set_lists(pass *s)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    const bool is_direct[2] = {p->is_left_direct, p->is_right_direct || p->is_right_packed};
    int64_t *room = g->scratch ? (int64_t *)(void *)(g->scratch + p->list_at) : NULL;
    for (int o = LEFT; o <= RIGHT; o++) {
        if (is_direct[o])
            continue;
        if (ftl_gemm_needs_places(p, (gemm_operand)o)) {
            s->k_places[o] = room;
            ftl_gemm_list_offsets(&p->inner, (gemm_operand)o, (int64_t[]){s->k, s->n_k}, room);
        }
        room += p->depth;
    }
    if (!is_out_listed(g))
        return;
    s->row_places = room;
    s->col_places = room + p->region_rows;
    ftl_gemm_list_offsets(&p->rows, OUT, (int64_t[]){g->row, g->rows}, s->row_places);
    if (p->is_row_order)
        ftl_gemm_list_offsets(&p->cols, OUT, (int64_t[]){g->col, g->cols}, s->col_places);
}

/* ---- loops ---- */

static void run_by_panels(const pass *s, bool is_last)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    ftl_gemm_tile t = make_tile(s);
    int64_t hooked = g->col;
    for (int64_t i = 0; i < g->panels; i++) {
        gemm_panel c = ftl_gemm_get_panel(p, g->panel + i);
        pack_right(s, &c);
        find_right(s, &t, &c);
        if (is_out_listed(g))
            ftl_gemm_list_offsets(&p->cols, OUT, (int64_t[]){c.col, c.n}, s->col_places);
        run_tiles(s, &t, (int64_t[]){g->row, g->rows}, &c);
        if (is_last && (i % GROUP == GROUP - 1 || i == g->panels - 1)) {
            int64_t end = c.col + c.n;
            ftl_gemm_call_hook(g, (int64_t[]){g->row, hooked}, (int64_t[]){g->rows, end - hooked});
            hooked = end;
        }
    }
}

static void run_row_of_tiles(const pass *s, int64_t row, int64_t rows)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    ftl_gemm_tile t = make_tile(s);
    for (int64_t i = 0; i < g->panels; i++) {
        gemm_panel c = ftl_gemm_get_panel(p, g->panel + i);
        find_right(s, &t, &c);
        run_tiles(s, &t, (int64_t[]){row, rows}, &c);
    }
}

static void run_by_rows(const pass *s, bool is_last)
{
    const gemm_region *g = s->region;
    const ftl_gemm *p = g->run->plan;
    const int64_t step = GROUP * p->table->rows;
    for (int64_t i = 0; i < g->panels; i++) {
        gemm_panel c = ftl_gemm_get_panel(p, g->panel + i);
        pack_right(s, &c);
    }
    for (int64_t start = 0; start < g->rows; start += step) {
        int64_t end = least(start + step, g->rows);
        for (int64_t row = start; row < end; row += p->table->rows)
            run_row_of_tiles(s, g->row + row, least(p->table->rows, end - row));
        if (is_last)
            ftl_gemm_call_hook(g, (int64_t[]){g->row + start, g->col},
                               (int64_t[]){end - start, g->cols});
    }
}

void ftl_gemm_run_tiles(const gemm_region *g)
{
    const ftl_gemm *p = g->run->plan;
    if (p->inner.count == 0 || (p->beta != 0 && p->beta != 1 && !g->is_part))
        scale_out(g);
    if (p->inner.count == 0) {
        ftl_gemm_call_hook(g, (int64_t[]){g->row, g->col}, (int64_t[]){g->rows, g->cols});
        return;
    }
    for (int64_t k = g->k; k < g->k_end; k += p->depth) {
        pass s = {.region = g, .k = k, .n_k = least(p->depth, g->k_end - k),
                  .left = p->is_left_direct ? NULL : g->scratch,
                  .right = g->scratch ? g->scratch + p->left_bytes : NULL, .is_first = k == g->k};
        bool is_last = s.k + s.n_k == g->k_end && !g->is_part;
        set_lists(&s);
        if (s.left)
            pack_left(&s);
        find_left(&s);
        if (p->is_row_order)
            run_by_rows(&s, is_last);
        else
            run_by_panels(&s, is_last);
    }
}

void ftl_gemm_join_parts(const gemm_region *g, const char *parts)
{
    const ftl_gemm *p = g->run->plan;
    int64_t *row = (int64_t *)(void *)(g->scratch + p->list_at), *col = row + g->rows;
    ftl_gemm_list_offsets(&p->rows, OUT, (int64_t[]){0, g->rows}, row);
    ftl_gemm_list_offsets(&p->cols, OUT, (int64_t[]){0, g->cols}, col);
    if (p->beta != 0 && p->beta != 1)
        scale_out(g);
    for (int64_t i = 0; i < p->parts; i++) {
        ftl_gemm_scatter all = {.c = g->out, .row = row, .col = col,
                                .sums = parts + (size_t)i * p->part_bytes,
                                .width = p->padded_cols, .rows = g->rows, .n = g->cols,
                                .is_added = i > 0 || p->beta != 0};
        p->table->scatter(&all);
    }
    ftl_gemm_call_hook(g, (int64_t[]){0, 0}, (int64_t[]){g->rows, g->cols});
}

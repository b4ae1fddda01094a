/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define AT(field) offsetof(cli_args, field)

const option_row cli_options[] = {
    {"--input", "NAME=FILE", OPT_LIST, AT(inputs), "rcde", NULL,
     "gives a tensor from a file (FILE#MEMBER of an archive)"},
    {"--param", "NAME=VALUE", OPT_LIST, AT(params), "rcde", NULL, "sets a param of the program"},
    {"--out", "FILE|DIR", OPT_TEXT, AT(out), "r", NULL,
     "writes outputs: DIR/NAME.npy, all in FILE.npz, or the only one (.npy .json ...)"},
    {"--query", "NAME[x=4,y=0:3]", OPT_LIST, AT(queries), "rde", NULL,
     "asks for a part of a tensor"},
    {"--mode", "MODE", OPT_WORD, AT(config.mode), "rcde", "auto single fixpoint demand",
     "how recursive groups run (single)"},
    {"--strategy", "S", OPT_WORD, AT(config.strategy), "re", "semi_naive synchronous",
     "how a fixpoint goes on; for now always synchronous, same results"},
    {"--chaining", "C", OPT_WORD, AT(config.chaining), "re", "forward backward",
     "from facts or from goals; for now always from facts, same results"},
    {"--max-iters", "N", OPT_INT, AT(config.max_iters), "rde", NULL,
     "rounds of a fixpoint at most"},
    {"--tol", "X", OPT_NUMBER, AT(config.tol), "rde", NULL, "change that counts as none (1e-6)"},
    {"--projection", "P", OPT_WORD, AT(config.projection), "RE", "exact monte_carlo",
     "how sums are computed"},
    {"--samples", "N", OPT_INT, AT(config.samples), "RE", NULL,
     "draws of a Monte Carlo projection"},
    {"--seed", "N", OPT_INT, AT(config.seed), "RE", NULL, "seed of the draws"},
    {"--grad", "LOSS", OPT_TEXT, AT(config.grad), "R", NULL,
     "gradient of a scalar"},
    {"--wrt", "NAME", OPT_LIST, AT(wrt), "R", NULL, "what the gradient is taken by"},
    {"--steps", "N", OPT_INT, AT(config.steps), "R", NULL,
     "steps of virtual time"},
    {"--weights", "MANIFEST", OPT_TEXT, AT(config.weights), "R", NULL,
     "weight store"},
    {"--cache", "DIR", OPT_TEXT, AT(config.cache), "R", NULL,
     "folder of compiled plans"},
    {"--temperature", "NAME=T", OPT_LIST, AT(temperatures), "rde", NULL,
     "T of sig: 0.5, linear:START:END:STEPS or piecewise:0:1.0,3:0.5"},
    {"--precision", "P", OPT_WORD, AT(config.precision), "rde",
     "fp32 fp16 bf16 fp64 auto f32 f16 f64",
     "what is computed in"},
    {"--backend", "B", OPT_TEXT, AT(config.backend), "re", "native auto",
     "where it runs; a list names an order of preference"},
    {"--device", "D", OPT_TEXT, AT(config.device), "re", "auto cpu", "device of the backend"},
    {"--einsum-planner", "P", OPT_WORD, AT(config.einsum_planner), "rde", "auto greedy optimal",
     "how contraction orders are found"},
    {"--blas", "LIBRARY", OPT_TEXT, AT(config.blas), "re", NULL,
     "library that products of matrices are given to (own kernels)"},
    {"--threads", "N", OPT_THREADS, AT(config.threads), "re", NULL, "threads (all cores)"},
    {"--memory-limit", "BYTES", OPT_BYTES, AT(config.memory_limit), "re", NULL,
     "memory of one run at most"},
    {"--output-root", "DIR", OPT_TEXT, AT(config.output_root), "r", NULL,
     "folder that sinks may not leave (the working folder)"},
    {"--mmap-npz-from", "BYTES", OPT_BYTES, AT(config.mmap_npz_from), "rcde", NULL,
     "size of an .npz from which its stored members are mapped (64M)"},
    {"--strict", "[=WHAT]", OPT_STRICT, 0, "rcde", "program files",
     "errors: doubtful axes, no convergence (program); copies on load (files)"},
    {"--plain", NULL, OPT_INT_FLAG, AT(config.keep_plain), "rde", NULL,
     "recognised fast paths off, for comparison"},
    {"--explain", "[=FORM]", OPT_EXPLAIN, AT(explain), "r", "text json",
     "prints the plan with times after the run"},
    {"--quiet", NULL, OPT_FLAG, AT(quiet), "r", NULL, "prints no outputs"},
    {"--after", "PASS", OPT_TEXT, AT(after), "d", NULL,
     "pass to print after: parse, check, lower, a pass of the planner, plan"},
    {"--write", NULL, OPT_FLAG, AT(write_back), "f", NULL, "rewrites the file in place"},
    {"--check", NULL, OPT_FLAG, AT(check_only), "f", NULL,
     "exit status 1 when the text would change"},
    {"--repeat", "N", OPT_COUNT, AT(repeat), "e", NULL,
     "runs to take times from (10; 0: plan only)"},
    {"--json", NULL, OPT_FLAG, AT(json), "eb", NULL, "prints JSON"},
};
const size_t cli_n_options = sizeof(cli_options) / sizeof(cli_options[0]);

const command_row cli_commands[] = {
    {"run", "PROG", "runs a program: prints its outputs, writes its sinks", 'r', cli_run},
    {"check", "PROG", "checks without running: types, extents, projections", 'c', cli_check},
    {"fmt", "PROG", "prints the program in canonical form", 'f', cli_fmt},
    {"dump", "PROG", "prints what stands after a pass (--after=PASS)", 'd', cli_dump},
    {"explain", "PROG", "prints the plan: cost, bytes and time per equation", 'e', cli_explain},
    {"backends", "", "lists backends, versions, devices", 'b', cli_backends},
    {"completion", "SHELL", "prints completions for bash, zsh or fish", 'x', cli_completion},
    {"man", "", "prints the manual page", 'x', cli_man},
};
const size_t cli_n_commands = sizeof(cli_commands) / sizeof(cli_commands[0]);

const char *const cli_shells = "bash zsh fish";

const command_row *cli_find_command(const char *name)
{
    for (size_t i = 0; i < cli_n_commands; i++)
        if (strcmp(cli_commands[i].name, name) == 0)
            return &cli_commands[i];
    return NULL;
}

bool cli_is_shown(const option_row *o, const command_row *c)
{
    return strchr(o->commands, c->letter);
}

bool cli_belongs(const option_row *o, const command_row *c)
{
    return cli_is_shown(o, c) || strchr(o->commands, toupper((unsigned char)c->letter));
}

bool cli_is_later(const option_row *o)
{
    return isupper((unsigned char)o->commands[0]);
}

bool cli_is_flag(const option_row *o)
{
    return o->kind == OPT_FLAG || o->kind == OPT_INT_FLAG;
}

bool cli_is_optional(const option_row *o)
{
    return o->kind == OPT_EXPLAIN || o->kind == OPT_STRICT;
}

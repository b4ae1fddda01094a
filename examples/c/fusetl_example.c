/* SPDX-License-Identifier: Apache-2.0
 * A layer from C: cc fusetl_example.c $(pkg-config --cflags --libs fusetl) */
#include <fusetl.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    const char *text = "W[i,j] = [[1, 2], [3, 4]]\n"
                       "Y[i]   = relu(W[i,j] X[j])\n"
                       "export Y\n";
    float x[] = {1, -1};
    ftl_tensor_spec spec = {.dtype = FTL_DTYPE_F32, .rank = 1, .shape = (int64_t[]){2}, .data = x};
    ftl_input input = {.name = "X"};
    ftl_config config;
    ftl_program *program = NULL;
    ftl_runner *runner = NULL;
    char *shown = NULL;
    ftl_config_init(&config);
    ftl_status status = ftl_program_parse(NULL, "layer.fuse", text, strlen(text), &program);
    if (status == FTL_OK)
        status = ftl_tensor_from_data(&spec, &input.tensor); /* no copy: x stays ours */
    if (status == FTL_OK)
        status = ftl_runner_new(program, &config, &input, 1, &runner);
    for (int run = 0; run < 2 && status == FTL_OK; run++) {
        status = ftl_runner_run(runner);
        if (status == FTL_OK && ftl_runner_print_output(runner, 0, &shown) == FTL_OK)
            printf("%s", shown);
        ftl_text_free(shown);
        shown = NULL;
        x[1] = 1; /* the next run sees it */
    }
    fputs(ftl_program_get_diagnostics(program), stderr);
    fputs(ftl_runner_get_diagnostics(runner), stderr);
    ftl_runner_free(runner);
    ftl_program_free(program);
    ftl_tensor_release(input.tensor);
    return status == FTL_OK ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Watches: how far a run has come, and interrupts.
 */
#include "api.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char endless[] = "B[i] = [1, 0]\nX[i] = B[i]\nX[i] = 0 - X[i]\nexport X\n";

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Waits for the loop to turn, then ends it. */
static void *interrupt(void *user)
{
    ftl_watch *watch = user;
    ftl_progress at;
    do {
        pause_briefly();
        ftl_watch_get(watch, &at);
    } while (at.round < 10);
    return (void *)(intptr_t)(1 + ftl_watch_interrupt(watch));
}

static void test_endless_run(void **state)
{
    (void)state;
    ftl_config config;
    ftl_progress at;
    pthread_t thread;
    void *answer;
    ftl_config_init(&config);
    config.mode = "fixpoint";
    config.max_iters = INT64_C(1) << 50;
    config.tol = 0;
    assert_int_equal(ftl_watch_new(&config.watch), FTL_OK);
    ftl_watch_get(config.watch, &at);
    assert_string_equal(at.stage, "");
    ftl_program *p = api_parse(endless);
    ftl_runner *r = api_compile(p, &config, NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, interrupt, config.watch), 0);
    assert_int_equal(ftl_runner_run(r), FTL_ERR_INTERRUPTED);
    pthread_join(thread, &answer);
    assert_int_equal((intptr_t)answer, 1); /* nothing was being written */
    ftl_watch_get(config.watch, &at);
    assert_string_equal(at.stage, "running");
    assert_true(at.fraction < 0 && at.rounds == INT64_C(1) << 50);
    assert_null(ftl_runner_get_output(r, "X"));
    assert_string_equal(ftl_runner_get_diagnostics(r), "");
    assert_int_equal(ftl_runner_run(r), FTL_ERR_INTERRUPTED); /* for good */
    ftl_runner_free(r);
    ftl_program_free(p);
    ftl_watch_free(config.watch);
}

static void test_fraction(void **state)
{
    (void)state;
    ftl_config config;
    ftl_progress at;
    ftl_config_init(&config);
    assert_int_equal(ftl_watch_new(&config.watch), FTL_OK);
    ftl_program *p = api_parse("axis t = 100\nS[t] = 0.5 S[t-1] + 1\nY = S[t]\nexport S, Y\n");
    ftl_runner *r = api_compile(p, &config, NULL, NULL);
    ftl_watch_get(config.watch, &at);
    assert_string_equal(at.stage, "planning");
    assert_int_equal(ftl_runner_run(r), FTL_OK);
    ftl_watch_get(config.watch, &at);
    assert_true(at.fraction > 0.3 && at.fraction <= 1); /* the last step has begun */
    ftl_runner_free(r);
    ftl_program_free(p);
    ftl_watch_free(config.watch);
}

/* Nothing is written once the watch is interrupted, and what is there stays. */
static void test_writers(void **state)
{
    (void)state;
    char folder[] = "watchXXXXXX", path[64], other[64];
    ftl_config config;
    ftl_config_init(&config);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/x.npy", folder);
    snprintf(other, sizeof(other), "%s/new/x.npy", folder);
    assert_int_equal(ftl_watch_new(&config.watch), FTL_OK);
    ftl_program *p = api_parse("X[i] = [1, 2]\nexport X\n");
    ftl_runner *r = api_compile(p, &config, NULL, NULL);
    assert_int_equal(ftl_runner_run(r), FTL_OK);
    assert_int_equal(ftl_runner_save_outputs(r, path), FTL_OK);
    assert_int_equal(ftl_watch_interrupt(config.watch), 0);
    assert_int_equal(ftl_runner_save_outputs(r, path), FTL_ERR_INTERRUPTED);
    assert_int_equal(ftl_runner_save_outputs(r, other), FTL_ERR_INTERRUPTED);
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(remove(path), 0);
    assert_int_equal(rmdir(folder), 0); /* there was nothing else */
    ftl_runner_free(r);
    ftl_program_free(p);
    ftl_watch_free(config.watch);
}

static void test_nobody(void **state)
{
    (void)state;
    ftl_progress at = {.fraction = 7};
    assert_int_equal(ftl_watch_new(NULL), FTL_ERR_USAGE);
    assert_int_equal(ftl_watch_interrupt(NULL), 0);
    ftl_watch_get(NULL, &at);
    assert_true(at.fraction == 0 && at.stage[0] == '\0');
    ftl_watch_get(NULL, NULL);
    ftl_watch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endless_run),
        cmocka_unit_test(test_fraction),
        cmocka_unit_test(test_writers),
        cmocka_unit_test(test_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

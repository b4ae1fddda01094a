# SPDX-License-Identifier: Apache-2.0
"""What tests/run is made of: one module for each kind of test, no packages beyond Python's own."""

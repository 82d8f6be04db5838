//! Tests of whole tasks: from records to records.

mod aggregate;
mod state;
mod stateless;

use expect_test::Expect;

use super::testing::Driver;
use super::topology::Topology;

fn check(topology: Topology, script: &str, expected: Expect) {
    let mut driver = Driver::new(topology);
    driver.run(script);
    expected.assert_eq(&driver.log);
}

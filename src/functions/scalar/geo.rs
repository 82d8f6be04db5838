//! Distances on the globe.

use super::rows::primitives;
use super::{Args, Overload, ScalarFunction};
use arrow::array::ArrayRef;
use arrow::datatypes::Float64Type;

/// The radii that ksqlDB takes the earth to have.
const RADIUS_KM: f64 = 6371.0;
const RADIUS_MILES: f64 = 3959.0;

pub const FUNCTIONS: &[ScalarFunction] = &[ScalarFunction {
    name: "GEO_DISTANCE",
    summary: "The length of the great circle between two points, in km or, if the unit is 'MI', in miles",
    overloads: &[
        Overload::new("(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE) -> DOUBLE", distance),
        Overload::new(
            "(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE, units STRING) -> DOUBLE",
            distance,
        ),
    ],
    takes_failures: false,
}];

fn distance(args: &Args) -> Result<ArrayRef, String> {
    let [lat1, lon1, lat2, lon2] = [0, 1, 2, 3].map(|i| args.numbers::<Float64Type>(i));
    let (lat1, lon1, lat2, lon2) = (lat1?, lon1?, lat2?, lon2?);
    let units = (args.columns.len() > 4).then(|| args.texts(4)).transpose()?;
    primitives::<Float64Type>(args.rows, |row| {
        let (Some(lat1), Some(lon1), Some(lat2), Some(lon2)) =
            (lat1.get(row), lon1.get(row), lat2.get(row), lon2.get(row))
        else {
            return Ok(None);
        };
        let radius = radius(units.as_ref().and_then(|units| units.get(row)))?;
        for (latitude, longitude) in [(lat1, lon1), (lat2, lon2)] {
            if !(-90.0..=90.0).contains(&latitude) {
                return Err(format!("{latitude} is no latitude: it must be from -90 to 90"));
            }
            if !(-180.0..=180.0).contains(&longitude) {
                return Err(format!("{longitude} is no longitude: it must be from -180 to 180"));
            }
        }
        let haversine = |angle: f64| (angle / 2.0).sin().powi(2);
        let a = haversine((lat2 - lat1).to_radians())
            + haversine((lon2 - lon1).to_radians()) * lat1.to_radians().cos() * lat2.to_radians().cos();
        // Rounding must not lead beyond the arc sine's range.
        Ok(Some(2.0 * a.sqrt().min(1.0).asin() * radius))
    })
}

fn radius(unit: Option<&str>) -> Result<f64, String> {
    match unit.map(str::to_lowercase).as_deref() {
        None | Some("km" | "kilometer" | "kilometers" | "kilometre" | "kilometres") => Ok(RADIUS_KM),
        Some("mi" | "mile" | "miles") => Ok(RADIUS_MILES),
        Some(other) => Err(format!("the unit of a distance is KM or MI, not '{other}'")),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn distances() {
        check(
            &[
                "ROUND(GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122), 6)",
                "ROUND(GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122, STRING null), 6)",
                "ROUND(GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122, 'Mi'), 6)",
                "GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122, 'ell')",
                "GEO_DISTANCE(91, 0, 0, 0)",
                "GEO_DISTANCE(0, 0, 0, 181)",
                "GEO_DISTANCE(0, NULL, 0, 0)",
            ],
            expect![[r#"
                ROUND(GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122), 6) -> 8634.659797
                ROUND(GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122, STRING null), 6) -> 8634.659797
                ROUND(GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122, 'Mi'), 6) -> 5365.659729
                GEO_DISTANCE(37.4439, -122.1663, 51.5257, -0.1122, 'ell') -> error: the unit of a distance is KM or MI, not 'ell'
                GEO_DISTANCE(91, 0, 0, 0) -> error: 91 is no latitude: it must be from -90 to 90
                GEO_DISTANCE(0, 0, 0, 181) -> error: 181 is no longitude: it must be from -180 to 180
                GEO_DISTANCE(0, NULL, 0, 0) -> NULL"#]],
        );
    }
}

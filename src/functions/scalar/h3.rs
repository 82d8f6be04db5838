//! H3, the hierarchical grid of hexagons that covers the earth.
//!
//! A cell is a STRING, its hexadecimal index as H3's own tools write it, or a BIGINT, the same index as a number; a
//! function that takes a cell and gives cells gives them as it took them. What is no cell fails its row.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::builder::{Int64Builder, ListBuilder, NullBufferBuilder, StringBuilder};
use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Float64Type, Int32Type, Int64Type};
use h3o::{CellIndex, LatLng, Resolution};

use super::{Args, Overload, ScalarFunction};

/// The greatest distance of GRID_DISK: 30,301 cells.
const DISTANCE_MAX: i32 = 100;

pub const FUNCTIONS: &[ScalarFunction] = &[
    ScalarFunction {
        name: "H3_CELL_TO_BOUNDARY_WKT",
        summary: "The outline of the H3 cell as a POLYGON in well-known text, longitude first",
        overloads: &[
            Overload::new("(cell STRING) -> STRING", boundary),
            Overload::new("(cell BIGINT) -> STRING", boundary),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "H3_CELL_TO_LATLNG",
        summary: "The centre of the H3 cell, in degrees",
        overloads: &[
            Overload::new("(cell STRING) -> STRUCT<LAT DOUBLE, LNG DOUBLE>", centre),
            Overload::new("(cell BIGINT) -> STRUCT<LAT DOUBLE, LNG DOUBLE>", centre),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "H3_CELL_TO_PARENT",
        summary: "The H3 cell of a coarser resolution, 0 to that of the cell, that the cell is in",
        overloads: &[
            Overload::new("(cell STRING, resolution INT) -> STRING", parent),
            Overload::new("(cell BIGINT, resolution INT) -> BIGINT", parent),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "H3_GRID_DISK",
        summary: "The H3 cells within a distance of 0 to 100 cells, the cell itself among them",
        overloads: &[
            Overload::new("(cell STRING, distance INT) -> ARRAY<STRING>", grid_disk),
            Overload::new("(cell BIGINT, distance INT) -> ARRAY<BIGINT>", grid_disk),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "H3_GRID_DISTANCE",
        summary: "How many cells two H3 cells of one resolution are apart",
        overloads: &[
            Overload::new("(cell1 STRING, cell2 STRING) -> BIGINT", grid_distance),
            Overload::new("(cell1 BIGINT, cell2 BIGINT) -> BIGINT", grid_distance),
        ],
        takes_failures: false,
    },
    ScalarFunction {
        name: "H3_LATLNG_TO_CELL",
        summary: "The H3 cell of a resolution, 0 to 15, that a place in degrees is in",
        overloads: &[Overload::new("(lat DOUBLE, lng DOUBLE, resolution INT) -> STRING", cell_at)],
        takes_failures: false,
    },
];

fn cell_at(args: &Args) -> Result<ArrayRef, String> {
    let (lats, lngs) = (args.numbers::<Float64Type>(0)?, args.numbers::<Float64Type>(1)?);
    let resolutions = args.numbers::<Int32Type>(2)?;
    let one = |row| {
        let (Some(lat), Some(lng), Some(level)) = (lats.get(row), lngs.get(row), resolutions.get(row)) else {
            return Ok(None);
        };
        let place = LatLng::new(lat, lng).map_err(|e| format!("({lat}, {lng}) is no place: {e}"))?;
        Ok(Some(place.to_cell(resolution(level)?).to_string()))
    };
    Ok(Arc::new((0..args.rows).map(one).collect::<Result<StringArray, String>>()?))
}

fn centre(args: &Args) -> Result<ArrayRef, String> {
    let centres: Vec<Option<LatLng>> =
        cells(args, 0)?.into_iter().map(|cell| cell.map(LatLng::from)).collect();
    let mut valid = NullBufferBuilder::new(args.rows);
    centres.iter().for_each(|centre| valid.append(centre.is_some()));
    let column = |part: fn(LatLng) -> f64| -> ArrayRef {
        Arc::new(centres.iter().map(|centre| centre.map(part)).collect::<Float64Array>())
    };
    let fields: Fields =
        ["LAT", "LNG"].into_iter().map(|name| Field::new(name, DataType::Float64, true)).collect();
    let columns = vec![column(LatLng::lat), column(LatLng::lng)];
    Ok(Arc::new(StructArray::try_new(fields, columns, valid.finish()).map_err(|e| e.to_string())?))
}

fn parent(args: &Args) -> Result<ArrayRef, String> {
    let levels = args.numbers::<Int32Type>(1)?;
    let parents = cells(args, 0)?.into_iter().enumerate().map(|(row, cell)| {
        let (Some(cell), Some(level)) = (cell, levels.get(row)) else { return Ok(None) };
        let parent = cell.parent(resolution(level)?);
        parent
            .map(Some)
            .ok_or_else(|| format!("{cell} is of resolution {}, coarser than {level}", cell.resolution()))
    });
    let parents: Vec<Option<CellIndex>> = parents.collect::<Result<_, String>>()?;
    Ok(if as_text(args) {
        Arc::new(parents.iter().map(|cell| cell.map(|cell| cell.to_string())).collect::<StringArray>())
    } else {
        Arc::new(parents.iter().map(|cell| cell.map(number)).collect::<Int64Array>())
    })
}

fn grid_disk(args: &Args) -> Result<ArrayRef, String> {
    let distances = args.numbers::<Int32Type>(1)?;
    let cells = cells(args, 0)?;
    let disk = |row: usize, cell: Option<CellIndex>| {
        let (Some(cell), Some(distance)) = (cell, distances.get(row)) else { return Ok(None) };
        match u32::try_from(distance) {
            Ok(k) if distance <= DISTANCE_MAX => Ok(Some(cell.grid_disk::<Vec<_>>(k))),
            _ => Err(format!("distance {distance} is not 0 to {DISTANCE_MAX}")),
        }
    };
    let disks = cells.into_iter().enumerate().map(|(row, cell)| disk(row, cell));
    if as_text(args) {
        let mut list = ListBuilder::new(StringBuilder::new());
        for disk in disks {
            list.append_option(disk?.map(|cells| cells.into_iter().map(|cell| Some(cell.to_string()))));
        }
        Ok(Arc::new(list.finish()))
    } else {
        let mut list = ListBuilder::new(Int64Builder::new());
        for disk in disks {
            list.append_option(disk?.map(|cells| cells.into_iter().map(|cell| Some(number(cell)))));
        }
        Ok(Arc::new(list.finish()))
    }
}

fn grid_distance(args: &Args) -> Result<ArrayRef, String> {
    let (from, to) = (cells(args, 0)?, cells(args, 1)?);
    let distance = |(from, to): (Option<CellIndex>, Option<CellIndex>)| match (from, to) {
        (Some(from), Some(to)) => match from.grid_distance(to) {
            Ok(distance) => Ok(Some(i64::from(distance))),
            Err(error) => Err(format!("{from} and {to} have no distance: {error}")),
        },
        _ => Ok(None),
    };
    Ok(Arc::new(from.into_iter().zip(to).map(distance).collect::<Result<Int64Array, String>>()?))
}

fn boundary(args: &Args) -> Result<ArrayRef, String> {
    let polygon = |cell: CellIndex| {
        let corners = cell.boundary();
        let mut text = "POLYGON ((".to_owned();
        // A ring ends where it began.
        for (at, corner) in corners.iter().chain(corners.first()).enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            // A String takes what is written to it.
            let _ = write!(text, "{comma}{} {}", corner.lng(), corner.lat());
        }
        text + "))"
    };
    let polygons = cells(args, 0)?.into_iter().map(|cell| cell.map(polygon));
    Ok(Arc::new(polygons.collect::<StringArray>()))
}

/// The cells of an argument, one a row.
fn cells(args: &Args, i: usize) -> Result<Vec<Option<CellIndex>>, String> {
    let array = args.array(i)?;
    let invalid = |cell: &dyn std::fmt::Display| format!("{cell} is no H3 cell");
    if let Some(texts) = array.as_string_opt::<i32>() {
        let cell = |text: &str| text.parse().map_err(|_| invalid(&text.chars().take(40).collect::<String>()));
        return texts.iter().map(|text| text.map(cell).transpose()).collect();
    }
    let numbers = array.as_primitive_opt::<Int64Type>();
    let numbers = numbers.ok_or_else(|| format!("argument {} has the type {}", i + 1, array.data_type()))?;
    let cell = |number: i64| CellIndex::try_from(number.cast_unsigned()).map_err(|_| invalid(&number));
    numbers.iter().map(|number| number.map(cell).transpose()).collect()
}

fn as_text(args: &Args) -> bool {
    args.columns.first().is_some_and(|argument| argument.array.data_type() == &DataType::Utf8)
}

/// The highest bit of a cell's index is 0, so it is no negative number.
fn number(cell: CellIndex) -> i64 {
    u64::from(cell).cast_signed()
}

fn resolution(level: i32) -> Result<Resolution, String> {
    let level = u8::try_from(level).ok().and_then(|level| Resolution::try_from(level).ok());
    level.ok_or_else(|| "the resolution is not 0 to 15".to_owned())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::functions::scalar::testing::check;

    #[test]
    fn places_and_cells() {
        check(
            &[
                "H3_LATLNG_TO_CELL(37.7752702151959, -122.418307270836, 9)",
                "H3_LATLNG_TO_CELL(37.7752702151959, -122.418307270836, 16)",
                "H3_LATLNG_TO_CELL(NULL, 0.0, 9)",
                "H3_CELL_TO_LATLNG('8928308280fffff')",
                "H3_CELL_TO_LATLNG(BIGINT 617700169958293503)",
                "H3_CELL_TO_LATLNG('x')",
                "H3_CELL_TO_BOUNDARY_WKT('85283473fffffff')",
            ],
            expect![[r#"
                H3_LATLNG_TO_CELL(37.7752702151959, -122.418307270836, 9) -> 8928308280fffff
                H3_LATLNG_TO_CELL(37.7752702151959, -122.418307270836, 16) -> error: the resolution is not 0 to 15
                H3_LATLNG_TO_CELL(NULL, 0.0, 9) -> NULL
                H3_CELL_TO_LATLNG('8928308280fffff') -> {LAT: 37.77670234943569, LNG: -122.41845932318309}
                H3_CELL_TO_LATLNG(BIGINT 617700169958293503) -> {LAT: 37.77670234943569, LNG: -122.41845932318309}
                H3_CELL_TO_LATLNG('x') -> error: x is no H3 cell
                H3_CELL_TO_BOUNDARY_WKT('85283473fffffff') -> POLYGON ((-121.91508032705622 37.2713558667319, -121.86222328902491 37.353926450852256, -121.92354999630156 37.42834118609435, -122.03773496427027 37.42012867767778, -122.09042892904397 37.33755608435298, -122.02910130918998 37.263197974618244, -121.91508032705622 37.2713558667319))"#]],
        );
    }

    #[test]
    fn cells_and_cells() {
        check(
            &[
                "H3_CELL_TO_PARENT('8928308280fffff', 5)",
                "H3_CELL_TO_PARENT(BIGINT 617700169958293503, 5)",
                "H3_CELL_TO_PARENT('8928308280fffff', 10)",
                "H3_GRID_DISK('8928308280fffff', 1)",
                "H3_GRID_DISK(BIGINT 617700169958293503, 0)",
                "H3_GRID_DISK('8928308280fffff', 101)",
                "H3_GRID_DISTANCE('8928308280fffff', '8928308287bffff')",
                "H3_GRID_DISTANCE('8928308280fffff', '85283473fffffff')",
            ],
            expect![[r#"
                H3_CELL_TO_PARENT('8928308280fffff', 5) -> 85283083fffffff
                H3_CELL_TO_PARENT(BIGINT 617700169958293503, 5) -> 599685771850416127
                H3_CELL_TO_PARENT('8928308280fffff', 10) -> error: 8928308280fffff is of resolution 9, coarser than 10
                H3_GRID_DISK('8928308280fffff', 1) -> [8928308280fffff, 8928308280bffff, 89283082873ffff, 89283082877ffff, 8928308283bffff, 89283082807ffff, 89283082803ffff]
                H3_GRID_DISK(BIGINT 617700169958293503, 0) -> [617700169958293503]
                H3_GRID_DISK('8928308280fffff', 101) -> error: distance 101 is not 0 to 100
                H3_GRID_DISTANCE('8928308280fffff', '8928308287bffff') -> 2
                H3_GRID_DISTANCE('8928308280fffff', '85283473fffffff') -> error: 8928308280fffff and 85283473fffffff have no distance: resolution mismatch"#]],
        );
    }
}

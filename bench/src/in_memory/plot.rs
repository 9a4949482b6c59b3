//! The results as a drawing: time against tungstenite's, by size.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::ranged1d::{IntoSegmentedCoord, SegmentValue};
use plotters::prelude::*;

use super::cell::{SIZES, Task};
use super::measure::Compared;
use super::subjects::REFERENCE;
use super::workload::Content;
use crate::role::Role;

const WIDTH: u32 = 1000;
const HEIGHT: u32 = 760;
/// Of time against tungstenite's.
const LEAST: f64 = 0.125;
const MOST: f64 = 8.0;
/// That can be told apart without seeing all colours, in the order of the subjects.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 90, 181),
    RGBColor(220, 50, 32),
    RGBColor(90, 90, 90),
    RGBColor(0, 140, 110),
    RGBColor(180, 120, 0),
];

const PANELS: [Task; 4] = [
    Task::Decode(Role::Server),
    Task::Encode(Role::Server),
    Task::Encode(Role::Client),
    Task::Echo,
];

/// Draws the cells with many binary messages a read.
pub(super) fn draw(all: &[Compared], path: &Path) -> Result<()> {
    let area = SVGBackend::new(path, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE).map_err(failed)?;
    let (title, panels) = area.split_vertically(64);
    let text = "Time for each binary message, as a multiple of tungstenite's: lower is faster";
    let style = ("sans-serif", 20).into_font();
    let words = Text::new(text, (20, 10), style);
    title.draw(&words).map_err(failed)?;
    let names = all.first().map_or(&[][..], |compared| &compared.subjects);
    for (place, (subject, colour)) in names.iter().zip(COLOURS).enumerate() {
        let x = 20 + 190 * place as i32;
        let line = PathElement::new([(x, 48), (x + 20, 48)], colour.stroke_width(3));
        title.draw(&line).map_err(failed)?;
        let style = ("sans-serif", 14).into_font();
        let name = Text::new(subject.name, (x + 26, 41), style);
        title.draw(&name).map_err(failed)?;
    }
    for (task, panel) in PANELS.into_iter().zip(panels.split_evenly((2, 2))) {
        let cells = all.iter().filter(|compared| {
            let cell = compared.cell;
            cell.task == task && cell.content == Content::Binary && cell.is_full()
        });
        draw_panel(task, &cells.collect::<Vec<_>>(), &panel)?;
    }
    area.present().map_err(failed)
}

fn draw_panel(
    task: Task,
    cells: &[&Compared],
    panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
) -> Result<()> {
    let title = format!("{}: {}", task.name(), task.explanation());
    let mut chart = ChartBuilder::on(panel)
        .margin(12)
        .caption(title, ("sans-serif", 15))
        .x_label_area_size(26)
        .y_label_area_size(40)
        .build_cartesian_2d(
            (0..SIZES.len() - 1).into_segmented(),
            (LEAST..MOST).log_scale().base(2.0),
        )
        .map_err(failed)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|value| match value {
            SegmentValue::CenterOf(index) => {
                SIZES.get(*index).map_or(String::new(), ToString::to_string)
            }
            _ => String::new(),
        })
        .y_label_formatter(&|ratio| format!("{ratio}"))
        .draw()
        .map_err(failed)?;
    let names = cells.first().map_or(&[][..], |compared| &compared.subjects);
    for (index, subject) in names.iter().enumerate() {
        let points = cells.iter().filter_map(|compared| {
            let size = SIZES.iter().position(|size| *size == compared.cell.size)?;
            let named = |name| compared.subjects.iter().find(|other| other.name == name);
            let ratio = named(subject.name)?.ratio(named(REFERENCE)?);
            Some((SegmentValue::CenterOf(size), ratio.clamp(LEAST, MOST)))
        });
        let points: Vec<_> = points.collect();
        let colour = COLOURS[index % COLOURS.len()];
        let style = colour.stroke_width(2);
        let dots = points
            .iter()
            .map(|point| Circle::new(point.clone(), 3, colour.filled()));
        chart.draw_series(dots).map_err(failed)?;
        chart
            .draw_series(LineSeries::new(points.clone(), style))
            .map_err(failed)?;
    }
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("{error}")
}

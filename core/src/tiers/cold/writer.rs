//! Rows into files.

use iceberg::arrow::{RecordBatchPartitionSplitter, schema_to_arrow_schema};
use iceberg::spec::{DataFile, DataFileFormat};
use iceberg::table::Table;
use iceberg::writer::base_writer::data_file_writer::DataFileWriterBuilder;
use iceberg::writer::file_writer::ParquetWriterBuilder;
use iceberg::writer::file_writer::location_generator::{DefaultFileNameGenerator, DefaultLocationGenerator};
use iceberg::writer::file_writer::rolling_writer::RollingFileWriterBuilder;
use iceberg::writer::partitioning::{PartitioningWriter, fanout_writer::FanoutWriter};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::ColdError;
use super::rows;
use crate::domain::Stamped;

/// A day of a busy pair is some fifty megabytes; a file larger than this is begun anew.
const FILE_BYTES: usize = 256 << 20;

/// Row groups of this many rows: small enough that a reader of an hour skips most of a day.
const GROUP_ROWS: usize = 131_072;

/// Numbers that rise from row to row. What is stored of them is by how much: so the shipped BTC day takes 8 bytes a tick, where
/// dictionaries of numbers that hardly ever repeat made it 23. Every reader we know of reads both.
const RISING: [&str; 6] = ["seq", "tape_time", "sequence", "trade_id", "event_time", "received_time"];

type Files =
    FanoutWriter<DataFileWriterBuilder<ParquetWriterBuilder, DefaultLocationGenerator, DefaultFileNameGenerator>>;

/// Takes inputs in the order of the tape, and makes durable files of them that no snapshot names yet.
pub(super) struct FilesWriter {
    files: Files,
    splitter: RecordBatchPartitionSplitter,
    schema: arrow::datatypes::SchemaRef,
}

impl FilesWriter {
    pub(super) fn new(table: &Table) -> Result<Self, ColdError> {
        let columns = table.metadata().current_schema().clone();
        let rolling = RollingFileWriterBuilder::new(
            ParquetWriterBuilder::new(properties()?, columns.clone()),
            FILE_BYTES,
            table.file_io().clone(),
            DefaultLocationGenerator::new(table.metadata())?,
            // The generator counts from 0 each time; what makes a name unique is this.
            DefaultFileNameGenerator::new(uuid::Uuid::new_v4().to_string(), None, DataFileFormat::Parquet),
        );
        let partitions = table.metadata().default_partition_spec().clone();
        Ok(Self {
            files: FanoutWriter::new(DataFileWriterBuilder::new(rolling)),
            splitter: RecordBatchPartitionSplitter::try_new_with_computed_values(columns.clone(), partitions)?,
            schema: std::sync::Arc::new(schema_to_arrow_schema(&columns)?),
        })
    }

    pub(super) async fn write(&mut self, inputs: &[&Stamped]) -> Result<(), ColdError> {
        let batch = rows::encode(inputs, &self.schema)?;
        for (day, part) in self.splitter.split(&batch)? {
            self.files.write(day, part).await?;
        }
        Ok(())
    }

    pub(super) async fn close(self) -> Result<Vec<DataFile>, ColdError> {
        Ok(self.files.close().await?)
    }
}

fn properties() -> Result<WriterProperties, ColdError> {
    let level = ZstdLevel::try_new(3).map_err(arrow::error::ArrowError::from)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP_ROWS));
    let rising = |properties: WriterPropertiesBuilder, name: &str| {
        let column = ColumnPath::from(name);
        properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
    };
    Ok(RISING.into_iter().fold(properties, rising).build())
}

/// Deletes files that are certain not to be named by any snapshot.
pub(super) async fn take_back(table: &Table, files: &[DataFile]) {
    for file in files {
        if let Err(error) = table.file_io().delete(file.file_path()).await {
            // The clean-up of orphans comes by later.
            tracing::warn!(file = file.file_path(), %error, "a file of a commit that failed stays behind");
        }
    }
}
